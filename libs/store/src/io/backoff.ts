/** Pauses between tries of something that fails: each twice the one before, up to a limit, until it succeeds. */
export class Backoff {
  private failures = 0;

  constructor(
    private readonly firstMs: number,
    private readonly maxMs: number,
  ) {}

  /** It failed again. @returns the pause before the next try. */
  next(): number {
    return Math.min(this.firstMs * 2 ** Math.min(this.failures++, 30), this.maxMs);
  }

  /** It succeeded. */
  reset(): void {
    this.failures = 0;
  }
}
