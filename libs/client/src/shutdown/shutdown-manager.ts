import type { LoggerService } from '@nestjs/common';

/** What can be shut down in the right order. */
export interface Drainable {
  readonly group: string;
  readonly running: number;
  stopIntake(): void;
  /** Nothing begins any more that had to wait for its turn. */
  giveUp(): void;
  whenIdle(): Promise<void>;
  consumer: { shutdown(options?: { timeoutMs?: number }): Promise<void> };
}

/** Resolves with true when `work` has ended within `timeoutMs`; leaves no timer behind. */
async function within(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Shuts consumers down in two phases. The intake stops, which may happen early (at the signal) and costs nothing; then running
 * handlers get `drainTimeoutMs` to finish, and the offsets are committed last, so that they cover exactly what was finished.
 */
export class ShutdownManager {
  private stopped = false;
  private closing: Promise<void> | undefined = undefined;

  constructor(
    private readonly consumers: () => readonly Drainable[],
    private readonly drainTimeoutMs: number,
    private readonly logger: Pick<LoggerService, 'log' | 'warn' | 'error'>,
  ) {}

  get intakeStopped(): boolean {
    return this.stopped;
  }

  /** No handler begins after this. Idempotent, synchronous. */
  stopIntake(reason: string): void {
    if (this.stopped) return;
    this.stopped = true;
    const consumers = this.consumers();
    for (const consumer of consumers) consumer.stopIntake();
    const running = consumers.reduce((sum, consumer) => sum + consumer.running, 0);
    if (consumers.length > 0) this.logger.log(`${reason}: intake stopped, ${running} handlers still run`);
  }

  /** Both phases. Idempotent: every call gets the same promise. */
  close(reason: string): Promise<void> {
    this.stopIntake(reason);
    return (this.closing ??= this.drainAndShutdown());
  }

  private async drainAndShutdown(): Promise<void> {
    const consumers = this.consumers();
    const drained = await within(Promise.all(consumers.map((consumer) => consumer.whenIdle())), this.drainTimeoutMs);
    if (!drained) {
      for (const consumer of consumers) consumer.giveUp();
      const left = consumers.filter((consumer) => consumer.running > 0);
      this.logger.warn(
        `${left.map((consumer) => `${consumer.running} handlers of group ${consumer.group}`).join(', ')} did not finish within ` +
          `${this.drainTimeoutMs} ms; their messages are not acknowledged and come again`,
      );
    }
    const outcomes = await Promise.allSettled(
      // What could finish has; the send-backs of those that failed still need a moment.
      consumers.map((consumer) => consumer.consumer.shutdown({ timeoutMs: drained ? SEND_BACK_TIMEOUT_MS : 0 })),
    );
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') continue;
      this.logger.error(`shutdown of group ${consumers[index].group} failed: ${String(outcome.reason)}`);
    }
  }
}

/** ms for the requests that follow finished handlers (send-backs take up to 5,000 each). */
const SEND_BACK_TIMEOUT_MS = 5_000;
