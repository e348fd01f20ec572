import type { ClientProxy } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { cpuTimeSince, type CpuTime } from '../support/bench-process.js';
import { sharedNowMs } from './clock.js';
import type { BenchEvent } from './events.js';

export interface EmitResult extends CpuTime {
  count: number;
  firstMs: number;
  /** Of `emit` until its Observable completed. */
  latenciesMs: number[];
}

/** Emits events as an application does: builds the payload, emits, awaits the acknowledgement. */
export class EmitLoads {
  constructor(
    private readonly client: ClientProxy,
    private readonly pattern: string,
    private readonly text: string,
  ) {}

  /** Keeps `inFlight` emits under way until `count` are acknowledged. */
  async flood({ count, inFlight }: { count: number; inFlight: number }): Promise<EmitResult> {
    const cpu = process.cpuUsage();
    const firstMs = sharedNowMs();
    let next = 0;
    const loop = async (): Promise<void> => {
      while (next < count) await this.emit(next++);
    };
    await Promise.all(Array.from({ length: inFlight }, loop));
    return { count, firstMs, latenciesMs: [], ...cpuTimeSince(cpu) };
  }

  /** Emits `perSecond` for `seconds`, each at its own time, whether the ones before are acknowledged or not. */
  async pace({ perSecond, seconds }: { perSecond: number; seconds: number }): Promise<EmitResult> {
    const cpu = process.cpuUsage();
    const count = perSecond * seconds;
    const firstMs = sharedNowMs();
    const latenciesMs: number[] = [];
    const acknowledged: Promise<void>[] = [];
    const emit = async (n: number): Promise<void> => {
      const startedMs = performance.now();
      await this.emit(n);
      latenciesMs.push(performance.now() - startedMs);
    };
    while (acknowledged.length < count) {
      const due = Math.min(count, Math.floor(((sharedNowMs() - firstMs) * perSecond) / 1_000));
      while (acknowledged.length < due) acknowledged.push(emit(acknowledged.length));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(acknowledged);
    return { count, firstMs, latenciesMs, ...cpuTimeSince(cpu) };
  }

  private async emit(n: number): Promise<void> {
    const event: BenchEvent = { n, sentMs: sharedNowMs(), customer: 'c-1', text: this.text };
    await lastValueFrom(this.client.emit(this.pattern, event), { defaultValue: undefined });
  }
}
