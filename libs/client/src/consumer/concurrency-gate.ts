interface Waiter {
  readonly resolve: (entered: boolean) => void;
  /** True when the message must still be worked on after the gate has closed. */
  readonly mustRun: (() => boolean) | undefined;
}

/**
 * Lets at most `limit` messages of one handler be worked on at once, in the order in which they came, and tells when none is left.
 * Waiters are bounded by what the consumer hands out at once (the sum of the limits of its group).
 */
export class ConcurrencyGate {
  private active = 0;
  private closed = false;
  private waiters: Waiter[] = [];
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

  /**
   * Resolves with true when a place was taken, with false when the gate closed before: that message was not begun.
   *
   * @param mustRun asked when the gate closes: true keeps the message waiting for its turn.
   */
  enter(mustRun?: () => boolean): Promise<boolean> {
    if (this.tryEnter()) return Promise.resolve(true);
    if (this.closed) return Promise.resolve(false);
    return new Promise((resolve) => this.waiters.push({ resolve, mustRun }));
  }

  leave(): void {
    const next = this.waiters.shift();
    if (next) {
      next.resolve(true);
      return;
    }
    this.active--;
    if (this.active === 0) for (const listener of this.idleListeners.splice(0)) listener();
  }

  /** Nothing begins after this but what must; what runs goes on. */
  close(): void {
    this.closed = true;
    const waiters = this.waiters;
    this.waiters = waiters.filter(({ mustRun }) => mustRun?.() === true);
    for (const waiter of waiters) if (!this.waiters.includes(waiter)) waiter.resolve(false);
  }

  /** Nothing begins any more. */
  giveUp(): void {
    this.closed = true;
    for (const waiter of this.waiters.splice(0)) waiter.resolve(false);
  }

  /** Resolves when nothing runs. */
  whenIdle(): Promise<void> {
    if (this.active === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleListeners.push(resolve));
  }
}
