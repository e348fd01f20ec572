import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import {
  ConcurrentConsumer,
  getProducerToken,
  RocketMQModule,
  RocketMQServer,
  type RocketMQProducer,
} from '@rocknest/client';
import type { Pattern } from '../pattern.js';

interface Price {
  readonly run: string;
  readonly article: number;
}

const TOPIC = 'pattern-broadcasting';
const PRICES = 10;

/** What each member has seen. Each of the two applications stands for a process with a cache of its own. */
const seen = new Map<string, Set<string>>();

function controllerOf(member: string, localOffsetStoreDir: string): new () => object {
  @Controller()
  class PriceController {
    @ConcurrentConsumer({
      topic: TOPIC,
      group: 'pattern-broadcasting',
      messageModel: 'BROADCASTING',
      localOffsetStoreDir,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    })
    refresh(@Payload() price: Price): void {
      seen.get(member)?.add(`${price.run}-${price.article}`);
    }
  }
  return PriceController;
}

async function startMember(member: string, namesrvAddr: string, localOffsetStoreDir: string) {
  seen.set(member, new Set());
  // A member is found again by its name: this is where its offsets are kept.
  @Module({
    imports: [RocketMQModule.forRoot({ namesrvAddr, instanceName: member })],
    controllers: [controllerOf(member, localOffsetStoreDir)],
  })
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
  about: 'every member of a group gets every message, and keeps its own offsets',
  async run({ namesrvAddr, runId, say, until }) {
    const folder = mkdtempSync(join(tmpdir(), 'pattern-broadcasting-'));
    const members = ['screen-1', 'screen-2'];
    const apps = [];
    try {
      for (const member of members) apps.push(await startMember(member, namesrvAddr, folder));
      const producer = apps[0].get<RocketMQProducer>(getProducerToken());
      for (let article = 0; article < PRICES; article++) {
        await producer.send({ topic: TOPIC, body: { run: runId, article } satisfies Price });
      }
      const ours = (member: string): number =>
        [...(seen.get(member) ?? [])].filter((key) => key.startsWith(runId)).length;
      await until(`${PRICES} prices at both members`, () => members.every((member) => ours(member) === PRICES));
      for (const member of members) say(`${member} has ${ours(member)} prices`);
    } finally {
      for (const app of apps) await app.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

export default pattern;
