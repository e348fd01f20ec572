import type { Clock } from '../io/clock.js';
import type { StoreLogger } from '../types.js';

/** Tells the operator of messages that pulls had to leave out: consumers go on behind them, so nobody else would. One line a while. */
export class UnreadableLog {
  private nextMs = 0;
  private untold = 0;

  constructor(
    private readonly intervalMs: number,
    private readonly clock: Clock,
    private readonly logger: StoreLogger,
  ) {}

  /** `count` messages of the queue offsets `[fromOffset, toOffset)` could not be read. */
  note(topic: string, queueId: number, fromOffset: number, toOffset: number, count: number): void {
    this.untold += count;
    const nowMs = this.clock.monotonicMs();
    if (nowMs < this.nextMs) return;
    this.nextMs = nowMs + this.intervalMs;
    const others = this.untold > count ? `, and ${this.untold - count} others since the last report` : '';
    this.untold = 0;
    this.logger.error(
      `${count} messages of queue ${topic}-${queueId} between queue offsets ${fromOffset} and ${toOffset} cannot be read${others}: their entries or records ` +
        'are damaged, and consumers did not get them. Stop the broker; "rocknest store verify" lists the damage, "rocknest store repair" mends what it can',
    );
  }
}
