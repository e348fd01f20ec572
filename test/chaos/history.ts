/** What the clients of a run saw, in the order in which they saw it. Times are ms since 1970 of the one clock of the machine. */
export type ClientEvent = InvokeEvent | AckEvent | FailEvent | GotEvent | ReadEvent;

/** A message was given to the producer. `lane` names the queue that it is for, `n` counts in the lane. */
export interface InvokeEvent {
  readonly e: 'invoke';
  readonly lane: string;
  readonly n: number;
  readonly t: number;
}

/** It was acknowledged with SEND_OK. */
export interface AckEvent {
  readonly e: 'ack';
  readonly lane: string;
  readonly n: number;
  readonly t: number;
  readonly queue: string;
  readonly offset: number;
}

/** It was not: whether it is stored is not known. */
export interface FailEvent {
  readonly e: 'fail';
  readonly lane: string;
  readonly n: number;
  readonly t: number;
  readonly why: string;
}

/** A consumer of `group` got it. */
export interface GotEvent {
  readonly e: 'got';
  readonly group: string;
  readonly lane: string;
  readonly n: number;
  readonly t: number;
  readonly queue: string;
  readonly offset: number;
}

/** A message from the beginning of a queue was read again: its group can be read, whether or not it takes messages. */
export interface ReadEvent {
  readonly e: 'read';
  readonly lane: string;
  /** When it was asked for. */
  readonly since: number;
  readonly t: number;
}

/** One line of a history file. @throws Error for anything else. */
export function parseEvent(line: string): ClientEvent {
  const event = JSON.parse(line) as ClientEvent;
  if (!['invoke', 'ack', 'fail', 'got', 'read'].includes(event.e)) throw new Error(`no event of a history: ${line}`);
  return event;
}

/** What a message is called in reports. */
export function messageName({ lane, n }: { lane: string; n: number }): string {
  return `${lane}#${n}`;
}
