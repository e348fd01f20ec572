import type { Clock } from './clock.js';

/**
 * Decides between a synchronous call (cheapest while the page cache takes or has the data) and one off the event loop. A call that
 * took long shows a busy disk, and for a while everything goes off the loop, so that one stall does not become the stall of all.
 */
export class IoPace {
  private asyncUntilMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly slowMs: number,
    private readonly holdMs: number,
  ) {}

  /** True when the next call may run on the event loop. */
  get allowsSync(): boolean {
    return this.asyncUntilMs === 0 || this.clock.monotonicMs() >= this.asyncUntilMs;
  }

  /** Tells how long a call took. */
  note(durationMs: number): void {
    if (durationMs > this.slowMs) this.asyncUntilMs = this.clock.monotonicMs() + this.holdMs;
    else if (this.asyncUntilMs !== 0 && this.clock.monotonicMs() >= this.asyncUntilMs) this.asyncUntilMs = 0;
  }
}
