import { CATCH_UP_SHARE, MAX_CATCH_UP_DEBT_MS, PULL_COST_FACTOR } from '../defaults.js';

/** Places of pulls that were served stay in the list until there are so many of them. */
const SERVED_KEPT = 1024;

export interface CatchUpShareOptions {
  /** End of the log: it moves when messages come. */
  readonly logEnd: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: () => number;
  /** Calls back at the end of this turn of the event loop. */
  readonly defer: (callback: () => void) => void;
}

/**
 * Consumers far behind take a share of the event loop at most while messages come in; a pull that is past it waits for one of the next turns, in the order of
 * coming. What a turn took too much is missing in the next ones. A turn without a new message ends every limit: such a loop has time to spare, so
 * only one that is full of sends holds readers up.
 */
export class CatchUpShare {
  private waiting: (() => void)[] = [];
  /** How many of them were served already. */
  private served = 0;
  private isMarked = false;
  private turnStartMs = 0;
  private readMs = 0;
  /** What reads may still take; below 0 it is what they took too much. */
  private balanceMs = Infinity;
  private lastLogEnd: number;

  constructor(private readonly options: CatchUpShareOptions) {
    this.lastLogEnd = options.logEnd();
  }

  /** Pulls that wait for their turn. */
  get waitingCount(): number {
    return this.waiting.length - this.served;
  }

  /** False when the share is used up, or others wait already. */
  get isOpen(): boolean {
    return this.balanceMs > 0 && this.waitingCount === 0;
  }

  /** Does a read and counts its time. */
  spend<T>(read: () => T): T {
    const { nowMs } = this.options;
    const startMs = nowMs();
    this.mark(startMs);
    const result = read();
    const costMs = PULL_COST_FACTOR * (nowMs() - startMs);
    this.readMs += costMs;
    this.balanceMs = Math.max(this.balanceMs - costMs, -MAX_CATCH_UP_DEBT_MS);
    return result;
  }

  /** Calls back in a later turn, where `spend` may be called whatever `isOpen` says. */
  wait(resume: () => void): void {
    this.waiting.push(resume);
    this.mark(this.options.nowMs());
  }

  private mark(nowMs: number): void {
    if (this.isMarked) return;
    this.isMarked = true;
    this.turnStartMs = nowMs;
    this.options.defer(this.endTurn);
  }

  private readonly endTurn = (): void => {
    const { nowMs, logEnd } = this.options;
    const end = logEnd();
    if (end === this.lastLogEnd) this.balanceMs = Infinity;
    else this.balanceMs = Math.min(this.balanceMs, 0) + this.allowanceMs(nowMs() - this.turnStartMs);
    this.lastLogEnd = end;
    this.readMs = 0;
    this.isMarked = false;
    this.serve();
    if (this.waitingCount > 0) this.mark(nowMs());
  };

  /** What a turn of that length earns the readers: their share beside what the others took of it. */
  private allowanceMs(turnMs: number): number {
    return (CATCH_UP_SHARE / (1 - CATCH_UP_SHARE)) * Math.max(0, turnMs - this.readMs);
  }

  private serve(): void {
    // Whoever begins to wait meanwhile comes behind those of before, and has to wait for the next turn.
    const before = this.waiting.length;
    while (this.served < before && this.balanceMs > 0) this.waiting[this.served++]();
    if (this.served === this.waiting.length || this.served > SERVED_KEPT) {
      this.waiting = this.waiting.slice(this.served);
      this.served = 0;
    }
  }
}
