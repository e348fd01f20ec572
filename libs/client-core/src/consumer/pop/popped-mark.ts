import type { MessageExt } from '@rocknest/protocol';
import type { PopLease } from './pop-lease.js';

/** Gives the private field below to an object that exists already. */
class Existing {
  constructor(object: object) {
    return object;
  }
}

/** A private field, which nobody else sees: not in the message's keys, nor in what is printed or compared. */
class PoppedMark extends Existing {
  #lease: PopLease;

  constructor(message: MessageExt, lease: PopLease) {
    super(message);
    this.#lease = lease;
  }

  static put(message: MessageExt, lease: PopLease): void {
    if (#lease in message) message.#lease = lease;
    else new PoppedMark(message, lease);
  }

  static of(message: MessageExt): PopLease | undefined {
    return #lease in message ? message.#lease : undefined;
  }
}

/**
 * Notes on a message that it was popped, and its lease. A WeakMap would say the same; with thousands of messages that live for a moment it costs
 * the garbage collector more than all the rest of a pop.
 */
export function markAsPopped(lease: PopLease): void {
  PoppedMark.put(lease.message, lease);
}

/** The lease of a popped message; undefined for one that was pulled. */
export function leaseOf(message: MessageExt): PopLease | undefined {
  return PoppedMark.of(message);
}
