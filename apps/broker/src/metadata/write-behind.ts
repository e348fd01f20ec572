import { reasonOf } from '@rocknest/config';
import { CLOSE_TIMEOUT_MS, RETRY_MAX_MS, RETRY_MIN_MS } from './defaults.js';
import type { MetadataLogger } from './metadata-logger.js';

/** Something that collects changes in memory and writes them when told. */
export interface WriteBehindSource {
  /** For messages: `consumer offsets`. */
  readonly noun: string;
  /** Changes not in the database yet. */
  pendingCount(): number;
  /** Writes what is pending at the time of the call. When it throws, what was not written is still pending. */
  write(): Promise<void>;
}

export interface WriteBehindOptions {
  readonly intervalMs: number;
  readonly logger: MetadataLogger;
  readonly retryMinMs?: number;
  readonly retryMaxMs?: number;
  readonly closeTimeoutMs?: number;
}

/**
 * Writes a source every few seconds, and when asked. While the database is down it tries again after growing pauses; nothing
 * that is pending is dropped.
 */
export class WriteBehind {
  private timer: NodeJS.Timeout | undefined = undefined;
  private running: Promise<void> | undefined = undefined;
  private failures = 0;
  private closed = false;

  constructor(
    private readonly source: WriteBehindSource,
    private readonly options: WriteBehindOptions,
  ) {}

  start(): void {
    this.schedule();
  }

  /**
   * Writes everything that is pending now.
   *
   * @throws what the database throws; what was not written stays pending and is tried again.
   */
  async flush(): Promise<void> {
    // A write under way may have taken its list before the latest change, so one more follows it.
    if (this.running !== undefined) await this.running.catch(() => undefined);
    await (this.running ?? this.write());
  }

  /** Like flush, for callers that do not wait. */
  flushSoon(): void {
    this.flush().catch(() => undefined);
  }

  /** Writes what is pending and stops. When the database stays down it gives up after a while and says what was lost. Never throws. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    const deadline = Date.now() + (this.options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS);
    for (;;) {
      try {
        await this.flush();
        // Whoever still commits while the broker stops is not waited for endlessly.
        if (this.source.pendingCount() === 0 || Date.now() > deadline) return;
      } catch (error) {
        if (Date.now() + this.retryMinMs > deadline) {
          this.logLoss(error);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, this.retryMinMs));
      }
    }
  }

  private write(): Promise<void> {
    clearTimeout(this.timer);
    const run = this.source
      .write()
      .then(
        () => {
          this.failures = 0;
        },
        (error: unknown) => {
          this.failures++;
          throw error;
        },
      )
      .finally(() => {
        this.running = undefined;
        this.schedule();
      });
    this.running = run;
    return run;
  }

  private schedule(): void {
    clearTimeout(this.timer);
    if (this.closed) return;
    this.timer = setTimeout(() => this.flushSoon(), this.delayMs()).unref();
  }

  private delayMs(): number {
    if (this.failures === 0) return this.options.intervalMs;
    return Math.min(this.options.retryMaxMs ?? RETRY_MAX_MS, this.retryMinMs * 2 ** Math.min(this.failures - 1, 20));
  }

  private get retryMinMs(): number {
    return this.options.retryMinMs ?? RETRY_MIN_MS;
  }

  private logLoss(error: unknown): void {
    this.options.logger.error(
      `${this.source.pendingCount()} ${this.source.noun} could not be written before the stop (${reasonOf(error)}). ` +
        'After the next start the messages consumed or delivered since the last write come again.',
    );
  }
}
