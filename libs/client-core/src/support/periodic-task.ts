/**
 * Runs a task at a fixed interval, never twice at once: the next interval begins when the task has ended. `wake()` runs it at once,
 * or once more right after the run under way. Errors go to `onError`; they never end the task.
 */
export class PeriodicTask {
  private timer: NodeJS.Timeout | undefined = undefined;
  private running: Promise<void> | undefined = undefined;
  private again = false;
  private stopped = false;
  /** ms until the next run; the task may change it from inside. */
  intervalMs: number;

  constructor(
    intervalMs: number,
    private readonly run: () => void | Promise<void>,
    private readonly onError: (error: unknown) => void,
  ) {
    this.intervalMs = intervalMs;
  }

  /** True when another run will follow the one under way at once. */
  get wakePending(): boolean {
    return this.again;
  }

  start(firstDelayMs = this.intervalMs): void {
    if (!this.stopped && this.timer === undefined && this.running === undefined) this.schedule(firstDelayMs);
  }

  /** Runs the task now. Resolves when a run that began after this call has ended. */
  async wake(): Promise<void> {
    if (this.stopped) return;
    if (this.running) {
      this.again = true;
      return this.running;
    }
    clearTimeout(this.timer);
    this.timer = undefined;
    this.running = this.loop().finally(() => {
      this.running = undefined;
      if (!this.stopped) this.schedule(this.intervalMs);
    });
    return this.running;
  }

  /** No run begins after this; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.again = false;
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.running;
  }

  private schedule(delayMs: number): void {
    this.timer = setTimeout(() => void this.wake(), delayMs);
  }

  private async loop(): Promise<void> {
    do {
      this.again = false;
      try {
        await this.run();
      } catch (error) {
        this.onError(error);
      }
    } while (this.again && !this.stopped);
  }
}
