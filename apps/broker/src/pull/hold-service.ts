import type { Connection } from '@rocknest/remoting';
import type { Clock } from '../clock.js';
import { HOLD_CHECK_INTERVAL_MS, HOLD_TIMEOUT_RESOLUTION_MS } from '../defaults.js';

/** A pull that found nothing and waits for a message. It holds nothing of the received frame but what answering needs. */
export interface ParkedPull {
  readonly connection: Connection;
  readonly topic: string;
  readonly queueId: number;
  /** The queue offset that the pull asked for: a message there or behind it wakes the pull. */
  readonly queueOffset: number;
  /** Tests a tags code; undefined when every message matches. */
  readonly matches: ((tagsCode: number) => boolean) | undefined;
  /** When the pull is answered with what there is, in milliseconds since 1970. */
  readonly deadlineMs: number;
  /** Runs the pull once more; this time it is answered whatever it finds. */
  readonly resume: () => void;
  /** Answers "nothing found" at once, without reading: the broker is going down. */
  readonly dismiss: () => void;
}

export interface PullRequestHoldServiceOptions {
  /** Pulls parked at most. */
  readonly maxParked: number;
  readonly maxOffset: (topic: string, queueId: number) => number;
  readonly clock: Clock;
}

/**
 * Keeps pulls that found nothing until a message arrives in their queue that their filter lets through, or their time is over.
 * Arrivals of one loop turn wake a pull once, at the end of the turn, so that it finds all of them.
 *
 * Follows `broker/longpolling/PullRequestHoldService.java`; time-outs are kept to 250 ms instead of the 5 s of the check.
 */
export class PullRequestHoldService {
  private readonly parked = new Map<string, Map<number, ParkedPull[]>>();
  private woken: ParkedPull[] = [];
  private count = 0;
  private timer: NodeJS.Timeout | undefined;
  private nextCheckMs = 0;
  private isClosed = false;

  constructor(private readonly options: PullRequestHoldServiceOptions) {}

  get parkedCount(): number {
    return this.count;
  }

  /** The broker goes down, and parks no pulls any more. */
  get closed(): boolean {
    return this.isClosed;
  }

  /** @returns false when the pull cannot be parked (the limit is reached, or the broker goes down): answer it now. */
  park(pull: ParkedPull): boolean {
    if (this.isClosed || this.count >= this.options.maxParked) return false;
    let queues = this.parked.get(pull.topic);
    if (queues === undefined) {
      queues = new Map<number, ParkedPull[]>();
      this.parked.set(pull.topic, queues);
    }
    const pulls = queues.get(pull.queueId);
    if (pulls === undefined) queues.set(pull.queueId, [pull]);
    else pulls.push(pull);
    this.count++;
    this.timer ??= this.startTimer();
    return true;
  }

  /** A message was stored. Called for each message: with nobody parked on its queue it costs a look-up. */
  notifyArrival(topic: string, queueId: number, queueOffset: number, tagsCode: number): void {
    if (this.count === 0) return;
    const queues = this.parked.get(topic);
    const pulls = queues?.get(queueId);
    if (queues === undefined || pulls === undefined) return;
    const staying: ParkedPull[] = [];
    for (const pull of pulls) {
      const wanted = queueOffset >= pull.queueOffset && (pull.matches === undefined || pull.matches(tagsCode));
      // A client that does not read its socket is looked at again later instead of being sent more.
      if (wanted && pull.connection.writable) this.wake(pull);
      else staying.push(pull);
    }
    this.keep(queues, topic, queueId, pulls, staying);
  }

  /** Looks at every parked pull: time-outs, closed connections, and every 5 s arrivals that went unnoticed. */
  check(): void {
    const nowMs = this.options.clock();
    const lookForMessages = nowMs >= this.nextCheckMs;
    if (lookForMessages) this.nextCheckMs = nowMs + HOLD_CHECK_INTERVAL_MS;
    for (const [topic, queues] of this.parked) {
      for (const [queueId, pulls] of queues) {
        const maxOffset = lookForMessages ? this.options.maxOffset(topic, queueId) : -1;
        const staying: ParkedPull[] = [];
        for (const pull of pulls) {
          if (pull.connection.closed) continue;
          if (nowMs >= pull.deadlineMs || (maxOffset > pull.queueOffset && pull.connection.writable)) this.wake(pull);
          else staying.push(pull);
        }
        this.keep(queues, topic, queueId, pulls, staying);
      }
    }
    if (this.count === 0) this.stopTimer();
  }

  /** The broker goes down: every parked pull is answered "nothing found", and none is parked any more. */
  close(): void {
    this.isClosed = true;
    this.stopTimer();
    for (const queues of this.parked.values()) {
      for (const pulls of queues.values()) for (const pull of pulls) if (!pull.connection.closed) pull.dismiss();
    }
    this.parked.clear();
    this.count = 0;
  }

  private keep(
    queues: Map<number, ParkedPull[]>,
    topic: string,
    queueId: number,
    before: ParkedPull[],
    staying: ParkedPull[],
  ): void {
    if (staying.length === before.length) return;
    this.count -= before.length - staying.length;
    if (staying.length > 0) {
      queues.set(queueId, staying);
      return;
    }
    queues.delete(queueId);
    if (queues.size === 0) this.parked.delete(topic);
  }

  private wake(pull: ParkedPull): void {
    if (this.woken.length === 0) queueMicrotask(() => this.resumeWoken());
    this.woken.push(pull);
  }

  private resumeWoken(): void {
    const woken = this.woken;
    this.woken = [];
    for (const pull of woken) if (!pull.connection.closed) pull.resume();
  }

  private startTimer(): NodeJS.Timeout {
    this.nextCheckMs = this.options.clock() + HOLD_CHECK_INTERVAL_MS;
    return setInterval(() => this.check(), HOLD_TIMEOUT_RESOLUTION_MS).unref();
  }

  private stopTimer(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
