import type { Clock } from './clock.js';

export interface IoPaceOptions {
  /** A synchronous call that took longer shows a busy disk. */
  readonly slowMs: number;
  /** How long everything goes off the event loop after a first slow call. */
  readonly holdMs: number;
  /** The most that this grows to while calls stay slow. */
  readonly maxHoldMs: number;
}

/**
 * Decides between a synchronous call (cheapest while the page cache takes or has the data) and one off the event loop. A synchronous call
 * that took long shows a busy disk, and for a while everything goes off the loop, so that one stall does not become the stall of all.
 * The while doubles each time that the next attempt is slow again: a process that was merely not scheduled loses little.
 *
 * Only synchronous calls are noted: what an asynchronous one takes says how busy the event loop is.
 */
export class IoPace {
  private asyncUntilMs = 0;
  private nextHoldMs: number;

  constructor(
    private readonly clock: Clock,
    private readonly options: IoPaceOptions,
  ) {
    this.nextHoldMs = options.holdMs;
  }

  /** True when the next call may run on the event loop. */
  get allowsSync(): boolean {
    return this.asyncUntilMs === 0 || this.clock.monotonicMs() >= this.asyncUntilMs;
  }

  /** Tells how long a synchronous call took. */
  note(durationMs: number): void {
    if (durationMs > this.options.slowMs) {
      this.asyncUntilMs = this.clock.monotonicMs() + this.nextHoldMs;
      this.nextHoldMs = Math.min(2 * this.nextHoldMs, this.options.maxHoldMs);
    } else if (this.asyncUntilMs !== 0) {
      this.asyncUntilMs = 0;
      this.nextHoldMs = this.options.holdMs;
    }
  }
}
