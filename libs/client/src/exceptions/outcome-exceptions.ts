import { RocketMQException } from './rocketmq.exception.js';

/** Comes again after a chosen delay. */
export class RetryLater extends RocketMQException {
  /** Level of the broker's delay table: 3 is 10 s, 5 is 1 min, 9 is 5 min, 14 is 10 min, 18 is 2 h; undefined or 0: the usual pace. */
  readonly delayLevel: number;

  /**
   * Orderly handlers: the queue rests for as long as the level stands for, at most 30 s, since nothing of it may overtake the message.
   *
   * @throws RangeError for a level that is no whole number of 0 or more.
   */
  constructor(options: { delayLevel?: number; reason?: string; cause?: unknown } = {}) {
    const { delayLevel = 0, reason = 'to be retried later' } = options;
    super(reason, options);
    if (!Number.isSafeInteger(delayLevel) || delayLevel < 0) {
      throw new RangeError(`delayLevel is ${delayLevel}, must be a whole number: 0 for the usual pace, or 1 to 18`);
    }
    this.delayLevel = delayLevel;
  }
}

/** Goes to `%DLQ%group` at once: another try would fail as this one did. */
export class SendToDlq extends RocketMQException {
  constructor(reason: string, options?: { cause?: unknown }) {
    super(reason, options);
  }
}

/** Is taken as handled: nobody needs this message. */
export class Skip extends RocketMQException {
  constructor(reason = 'skipped', options?: { cause?: unknown }) {
    super(reason, options);
  }
}

/**
 * Orderly handlers: the queue rests for `ms` (taken into 10 to 30,000), then the message comes again, before anything else of the queue.
 * Concurrent handlers: the message comes again after the shortest delay level that is not shorter.
 */
export class SuspendQueue extends RocketMQException {
  readonly ms: number;

  /** @throws RangeError for a time that is no number of 0 or more. */
  constructor(options: { ms: number; reason?: string; cause?: unknown }) {
    super(options.reason ?? `queue suspended for ${options.ms} ms`, options);
    if (!Number.isFinite(options.ms) || options.ms < 0) throw new RangeError(`ms is ${options.ms}, must be 0 or more`);
    this.ms = options.ms;
  }
}

/** Thrown by a batch handler: these messages of the batch failed, the others are handled. */
export class BatchFailure extends RocketMQException {
  /** By the index in the payloads (or `context.getMessages()`): why. The exceptions above count for each. */
  readonly failures: ReadonlyMap<number, unknown>;

  constructor(failures: ReadonlyMap<number, unknown> | Iterable<readonly [index: number, reason: unknown]>) {
    const map = new Map(failures);
    super(`${map.size} messages of the batch failed`);
    this.failures = map;
  }
}
