/** What the delivery service needs of the store and the clock; a test puts its own in. */
export interface DelayedMessageReader {
  minOffset(level: number): number;
  maxOffset(level: number): number;
  /** The consume queue entry of a delayed message; undefined at the end of the queue. */
  entry(level: number, queueOffset: number): Promise<{ physicalOffset: number; deliverTimestamp: number } | undefined>;
  /** The stored record; undefined when it can't be read any more. */
  record(physicalOffset: number): Promise<Buffer | undefined>;
}

export interface DelayedMessageSink {
  /** @returns false when the message could not be stored now and must be tried again. */
  deliver(record: Buffer): Promise<boolean>;
}

export interface DelayOffsets {
  get(level: number): number;
  set(level: number, offset: number): void;
}

export interface ScheduleClock {
  now(): number;
  setTimer(action: () => void, delayMs: number): unknown;
  clearTimer(timer: unknown): void;
  /** Lets sockets be served between two batches. */
  yieldToLoop(): Promise<void>;
}

export const systemClock: ScheduleClock = {
  now: () => Date.now(),
  setTimer: (action, delayMs) => setTimeout(action, delayMs).unref(),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
  yieldToLoop: () => new Promise((resolve) => setImmediate(resolve)),
};
