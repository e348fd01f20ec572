/** The emitting process of `bench/nest.ts`: a Nest application with an injected `ClientProxy`. */
import 'reflect-metadata';
import { Inject, Injectable, Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { ClientProxy } from '@nestjs/microservices';
import { getClientToken, RocketMQModule } from '@rocknest/client';
import { lastValueFrom } from 'rxjs';
import { cpuTimeSince, serveCalls, type CpuTime } from '../support/bench-process.js';
import { sharedNowMs } from './clock.js';
import { BENCH_TOPIC, eventText, type BenchEvent } from './events.js';

export interface ProducerSettings {
  namesrvAddr: string;
  bodyBytes: number;
}

export interface EmitResult extends CpuTime {
  count: number;
  firstMs: number;
  /** Of `emit` until its Observable completed. */
  latenciesMs: number[];
}

@Injectable()
class Emitter {
  text = '';

  constructor(@Inject(getClientToken()) private readonly client: ClientProxy) {}

  /** As an application does it: builds the payload, emits, awaits the acknowledgement. */
  async emit(n: number): Promise<void> {
    const event: BenchEvent = { n, sentMs: sharedNowMs(), customer: 'c-1', text: this.text };
    await lastValueFrom(this.client.emit(BENCH_TOPIC, event));
  }
}

@Module({ providers: [Emitter] })
class ProducerApplication {
  static on(namesrvAddr: string): DynamicModule {
    return {
      module: ProducerApplication,
      imports: [RocketMQModule.forRoot({ namesrvAddr, producer: { group: 'bench-nest' } })],
    };
  }
}

let app: INestApplicationContext;
let emitter: Emitter;

async function open(settings: ProducerSettings): Promise<void> {
  app = await NestFactory.createApplicationContext(ProducerApplication.on(settings.namesrvAddr), { logger: ['error'] });
  emitter = app.get(Emitter);
  emitter.text = eventText(settings.bodyBytes);
}

/** Keeps `inFlight` emits under way until `count` are acknowledged. */
async function flood({ count, inFlight }: { count: number; inFlight: number }): Promise<EmitResult> {
  const cpu = process.cpuUsage();
  const firstMs = sharedNowMs();
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < count) await emitter.emit(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
  return { count, firstMs, latenciesMs: [], ...cpuTimeSince(cpu) };
}

/** Emits `perSecond` for `seconds`, each at its own time, whether the ones before are acknowledged or not. */
async function pace({ perSecond, seconds }: { perSecond: number; seconds: number }): Promise<EmitResult> {
  const cpu = process.cpuUsage();
  const count = perSecond * seconds;
  const firstMs = sharedNowMs();
  const latenciesMs: number[] = [];
  const acknowledged: Promise<void>[] = [];
  const emit = async (n: number): Promise<void> => {
    const startedMs = performance.now();
    await emitter.emit(n);
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

serveCalls({ open, flood, pace, close: () => app.close() });
