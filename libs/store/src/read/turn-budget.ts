import type { Clock } from '../io/clock.js';

/**
 * Time that a kind of work may take of one turn of the event loop, all its callers together. What does not fit waits for the next turn, in
 * the order of its coming.
 */
export class TurnBudget {
  private spentMs = 0;
  private isTurnMarked = false;

  constructor(
    private readonly turnMs: number,
    private readonly clock: Clock,
  ) {}

  get isUsedUp(): boolean {
    return this.spentMs >= this.turnMs;
  }

  /** Does a piece of work and counts its time. */
  spend<T>(work: () => T): T {
    if (!this.isTurnMarked) {
      this.isTurnMarked = true;
      this.clock.defer(() => {
        this.spentMs = 0;
        this.isTurnMarked = false;
      });
    }
    const startMs = this.clock.monotonicMs();
    const result = work();
    this.spentMs += this.clock.monotonicMs() - startMs;
    return result;
  }

  /** Resolves in the next turn. */
  nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.clock.defer(resolve);
    });
  }
}
