import { cpuTimeSince, type CpuTime } from '../support/bench-process.js';
import { sharedNowMs } from './clock.js';
import type { BenchEvent } from './events.js';

export interface HandledResult extends CpuTime {
  handled: number;
  /** Events that came a second time. */
  repeated: number;
  firstMs: number;
  lastMs: number;
  /** Of `emit` until the handler began. */
  latenciesMs: number[];
}

/** What the handlers of one process saw of one load. */
export class Tally {
  private readonly seen: Uint8Array;
  readonly latenciesMs: number[] = [];
  readonly complete: Promise<void>;
  private finish: () => void = () => undefined;
  private readonly cpu = process.cpuUsage();
  private repeated = 0;
  private firstMs = 0;
  private lastMs = 0;

  constructor(private readonly count: number) {
    this.seen = new Uint8Array(count);
    this.complete = new Promise((resolve) => (this.finish = resolve));
  }

  take({ n, sentMs }: BenchEvent): void {
    if (this.seen[n] === 1) {
      this.repeated++;
      return;
    }
    this.seen[n] = 1;
    this.lastMs = sharedNowMs();
    if (this.latenciesMs.length === 0) this.firstMs = this.lastMs;
    this.latenciesMs.push(this.lastMs - sentMs);
    if (this.latenciesMs.length === this.count) this.finish();
  }

  async result(): Promise<HandledResult> {
    await this.complete;
    const { latenciesMs, repeated, firstMs, lastMs } = this;
    return {
      handled: latenciesMs.length,
      repeated,
      firstMs,
      lastMs,
      latenciesMs,
      ...cpuTimeSince(this.cpu),
    };
  }
}
