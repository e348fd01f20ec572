import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  ConcurrentConsumer,
  getProducerToken,
  RocketMQContext,
  RocketMQModule,
  RocketMQServer,
  type RocketMQProducer,
} from '@rocknest/client';
import { MQAdmin } from '@rocknest/client-core';
import type { Pattern } from '../pattern.js';

interface Scan {
  readonly run: string;
  readonly n: number;
}

const TOPIC = 'pattern-pop';
const SCANS = 20;
const MEMBERS = ['left', 'right'] as const;

/** Who handled which scan, in the order in which they ended. */
const handled: { member: string; run: string; n: number }[] = [];
const ofRun = (run: string): typeof handled => handled.filter((scan) => scan.run === run);
let othersHandled: () => void = () => undefined;
const others = new Promise<void>((resolve) => (othersHandled = resolve));
/** Members that have got a scan, and what waits until all have. */
const begun = new Set<string>();
let allBegun: () => void = () => undefined;
const everybody = new Promise<void>((resolve) => (allBegun = resolve));

/** One member of the group, as one process of your application would be. */
async function startMember(name: string, namesrvAddr: string): Promise<INestMicroservice> {
  @Controller()
  class ScanController {
    // Brokers hand each message out by itself. Small batches spread few messages over all members.
    @ConcurrentConsumer({
      topic: TOPIC,
      group: 'pattern-pop',
      mode: 'pop',
      invisibleTimeMs: 10_000,
      popBatchNums: 1,
      popThresholdForQueue: 1,
      concurrency: 2,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    })
    async read(@Payload() scan: Scan, @Ctx() context: RocketMQContext): Promise<void> {
      begun.add(name);
      if (begun.size === MEMBERS.length) allBegun();
      // The first scan takes until all others are done: those behind it in the same queue do not wait for it.
      if (scan.n === 0) await others;
      // The others take until each member has one: the broker gives to whoever has room, from the same queue.
      else await everybody;
      handled.push({ member: `${name} (queue ${context.getQueueId()})`, ...scan });
      if (ofRun(scan.run).length === SCANS - 1) othersHandled();
    }
  }

  @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr })], controllers: [ScanController] })
  class AppModule {}

  const app = await NestFactory.createMicroservice(AppModule, {
    strategy: new RocketMQServer(),
    abortOnError: false,
    logger: ['warn', 'error'],
  });
  await app.listen();
  return app;
}

const pattern: Pattern = {
  about: 'two members that share one single queue by pops, and a slow message that holds up no other',
  async run({ namesrvAddr, runId, say, until }) {
    const admin = new MQAdmin({ namesrvAddr });
    await admin.start();
    await admin.createTopic(TOPIC, { readQueueNums: 1, writeQueueNums: 1 });
    await admin.shutdown();
    const members = await Promise.all(MEMBERS.map((name) => startMember(name, namesrvAddr)));
    const producer = members[0].get<RocketMQProducer>(getProducerToken());
    for (let n = 0; n < SCANS; n++) await producer.send({ topic: TOPIC, body: { run: runId, n } satisfies Scan });
    await until(`${SCANS} scans handled`, () => ofRun(runId).length === SCANS);
    const names = new Set(ofRun(runId).map(({ member }) => member));
    say(`${SCANS} scans handled by ${[...names].sort().join(' and ')}; the slow one ended last`);
    await Promise.all(members.map((member) => member.close()));
    if (names.size !== MEMBERS.length) throw new Error(`only ${[...names].join()} got messages`);
  },
};

export default pattern;
