/**
 * Lets at most `limit` messages of one handler be worked on at once, in the order in which they came, and tells when none is left.
 * Waiters are bounded by what the consumer hands out at once (the sum of the limits of its group).
 */
export class ConcurrencyGate {
  private active = 0;
  private closed = false;
  private readonly waiters: ((entered: boolean) => void)[] = [];
  private readonly idleListeners: (() => void)[] = [];

  constructor(readonly limit: number) {}

  /** Messages that are being worked on. */
  get running(): number {
    return this.active;
  }

  /** Messages that wait for their turn. */
  get waiting(): number {
    return this.waiters.length;
  }

  /** Takes a place if one is free. */
  tryEnter(): boolean {
    if (this.closed || this.active >= this.limit) return false;
    this.active++;
    return true;
  }

  /** Resolves with true when a place was taken, with false when the gate closed before: that message was not begun. */
  enter(): Promise<boolean> {
    if (this.tryEnter()) return Promise.resolve(true);
    if (this.closed) return Promise.resolve(false);
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  leave(): void {
    const next = this.waiters.shift();
    if (next) {
      next(true);
      return;
    }
    this.active--;
    if (this.active === 0) for (const listener of this.idleListeners.splice(0)) listener();
  }

  /** Nothing begins after this; what runs goes on. */
  close(): void {
    this.closed = true;
    for (const waiter of this.waiters.splice(0)) waiter(false);
  }

  /** Resolves when nothing runs. */
  whenIdle(): Promise<void> {
    if (this.active === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleListeners.push(resolve));
  }
}
