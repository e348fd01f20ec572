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

interface Reminder {
  readonly run: string;
  readonly text: string;
  readonly dueMs: number;
}

const TOPIC = 'pattern-delay';

const pattern: Pattern = {
  about: 'messages that are delivered later, and one that is recalled',
  async run({ namesrvAddr, runId, say, until }) {
    const got: string[] = [];

    @Controller()
    class ReminderController {
      @ConcurrentConsumer({ topic: TOPIC, group: 'pattern-delay' })
      remind(@Payload() reminder: Reminder): void {
        if (reminder.run !== runId) return;
        if (Date.now() < reminder.dueMs) throw new Error(`${reminder.text} came too early`);
        got.push(reminder.text);
        say(`${reminder.text}: ${Date.now() - reminder.dueMs} ms after its time`);
      }
    }

    @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr })], controllers: [ReminderController] })
    class ReminderModule {}

    const app = await NestFactory.createMicroservice(ReminderModule, {
      strategy: new RocketMQServer(),
      abortOnError: false,
      logger: ['warn', 'error'],
    });
    await app.listen();
    const producer = app.get<RocketMQProducer>(getProducerToken());
    const startMs = Date.now();
    const reminder = (text: string, afterMs: number): Reminder => ({ run: runId, text, dueMs: startMs + afterMs });

    await producer.send({ topic: TOPIC, body: reminder('after a delay level', 1_000), delayTimeLevel: 1 });
    await producer.send({ topic: TOPIC, body: reminder('after 400 ms', 400), delayTimeMs: 400 });
    await producer.send({ topic: TOPIC, body: reminder('at a time', 700), deliverTimeMs: startMs + 700 });
    const sent = await producer.send({
      topic: TOPIC,
      body: reminder('never', 0),
      deliverTimeMs: startMs + 60_000,
    });
    await producer.recallMessage(TOPIC, sent.recallHandle ?? '');
    say('the one that was due in a minute was recalled');

    await until('the three reminders', () => got.length === 3);
    await app.close();
    if (new Set(got).size !== 3 || got.includes('never')) throw new Error(`got ${got.join(', ')}`);
  },
};

export default pattern;
