/** The handling process of `bench/nest.ts`: a Nest microservice with one handler. */
import 'reflect-metadata';
import { Controller, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, RocketMQModule, RocketMQServer } from '@rocknest/client';
import { cpuTimeSince, serveCalls, type CpuTime } from '../support/bench-process.js';
import { sharedNowMs } from './clock.js';
import { BENCH_TOPIC, type BenchEvent } from './events.js';

export interface HandledResult extends CpuTime {
  handled: number;
  /** Events that came a second time. */
  repeated: number;
  lastMs: number;
  /** Of `emit` until the handler began. */
  latenciesMs: number[];
}

/** What the handler saw of one load. */
class Tally {
  private readonly seen: Uint8Array;
  readonly latenciesMs: number[] = [];
  readonly complete: Promise<void>;
  private finish: () => void = () => undefined;
  private readonly cpu = process.cpuUsage();
  repeated = 0;
  lastMs = 0;

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
    this.latenciesMs.push(this.lastMs - sentMs);
    if (this.latenciesMs.length === this.count) this.finish();
  }

  async result(): Promise<HandledResult> {
    await this.complete;
    const { latenciesMs, repeated, lastMs } = this;
    return { handled: latenciesMs.length, repeated, lastMs, latenciesMs, ...cpuTimeSince(this.cpu) };
  }
}

let tally: Tally | undefined;

@Controller()
class Handler {
  @ConcurrentConsumer({ topic: BENCH_TOPIC })
  async handle(@Payload() event: BenchEvent): Promise<void> {
    tally?.take(event);
  }
}

let app: INestMicroservice;

async function open({ namesrvAddr }: { namesrvAddr: string }): Promise<void> {
  app = await NestFactory.createMicroservice(
    {
      module: class ConsumerApplication {},
      imports: [RocketMQModule.forRoot({ namesrvAddr })],
      controllers: [Handler],
    },
    { strategy: new RocketMQServer({ group: 'bench-nest' }), logger: ['error', 'warn'] },
  );
  await app.listen();
}

/** From now on the events of one load are counted. */
function expectEvents(count: number): void {
  tally = new Tally(count);
}

serveCalls({ open, expectEvents, handled: () => tally!.result(), close: () => app.close() });
