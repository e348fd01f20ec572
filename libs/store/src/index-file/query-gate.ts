/** Lets so many callers run at a time and so many wait. */
export class QueryGate {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly maxRunning: number,
    private readonly maxWaiting: number,
  ) {}

  /** Resolves to true when the caller may go on, to false at once when too many wait. */
  enter(): Promise<boolean> {
    if (this.running < this.maxRunning) {
      this.running++;
      return Promise.resolve(true);
    }
    if (this.waiting.length >= this.maxWaiting) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.waiting.push(() => {
        resolve(true);
      });
    });
  }

  /** Must be called once for each `enter` that gave true. */
  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.running--;
    else next();
  }
}
