/**
 * Limits how many reads wait for the disk at a time. The runtime's threads also write and sync: reads that took them all would hold up
 * every send.
 */
export class ReadGate {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly maxRunning: number) {}

  /** True when the next read would have to wait. */
  get isFull(): boolean {
    return this.running >= this.maxRunning;
  }

  /** Runs `read` as soon as one of those before it has ended, in the order of coming. */
  async run<T>(read: () => Promise<T>): Promise<T> {
    if (this.isFull) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running++;
    try {
      return await read();
    } finally {
      // The place is handed over, so that nobody who comes in between takes it.
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}
