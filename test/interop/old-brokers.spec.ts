import { ConcurrentConsumer, OrderlyConsumer } from '@rocknest/client';
import { PopConsumer, PushConsumer, type ClientLogger } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controllerOf, NestHandlers } from '../support/nest-handlers.js';
import { waitFor } from '../support/wait-for.js';
import { startOfficialCluster, type OfficialCluster } from './support/official-cluster.js';

const COUNT = 40;
const TIMEOUT_MS = 60_000;

describe.concurrent('our clients on an official broker of 4.9.7, which knows no POP (item 11)', () => {
  let cluster: OfficialCluster;
  let handlers: NestHandlers;

  beforeAll(async () => {
    cluster = await startOfficialCluster({
      version: '4.9.7',
      brokerConfig: { messageDelayLevel: '1s 1s' },
    });
    handlers = new NestHandlers(cluster);
    await handlers.start();
  });

  afterAll(async () => {
    await handlers?.stop();
  });

  it(
    "mode: 'pop' pulls, with a warning, and shares the queues with a second member",
    { timeout: 2 * TIMEOUT_MS },
    async () => {
      const topic = 'old-pop';
      const warnings: string[] = [];
      const logger: ClientLogger = { log: () => {}, error: () => {}, warn: (text) => void warnings.push(String(text)) };
      const got: string[][] = [[], []];
      await handlers.send(topic, COUNT);
      const members = await Promise.all(
        got.map(async (received) => {
          const member = new PushConsumer({
            namesrvAddr: cluster.namesrvAddr,
            group: 'g-old-pop',
            mode: 'pop',
            consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
            rebalanceIntervalMs: 500,
            logger,
          });
          member.subscribe(topic);
          member.registerMessageListener(([message]) => {
            received.push(message.body.toString());
            return message.body.toString() === '7' && message.reconsumeTimes === 0
              ? 'RECONSUME_LATER'
              : 'CONSUME_SUCCESS';
          });
          await member.start();
          return member;
        }),
      );
      const queuesOf = (member: PushConsumer): number[] =>
        member.assignedQueues.filter((queue) => queue.topic === topic).map(({ queueId }) => queueId);
      await waitFor(() => members.every((member) => queuesOf(member).length === 2), 'two queues each', TIMEOUT_MS);
      expect(members.flatMap(queuesOf).sort()).toEqual([0, 1, 2, 3]);
      await handlers.send(topic, COUNT, 4, COUNT);
      await waitFor(() => new Set(got.flat()).size === 2 * COUNT, 'all messages', TIMEOUT_MS);
      await waitFor(() => got.flat().filter((body) => body === '7').length >= 2, 'the failed one again', TIMEOUT_MS);
      await Promise.all(members.map((member) => member.shutdown()));
      expect(got.every((received) => received.length > 0)).toBe(true);
      expect(
        warnings.filter((text) => text.includes(`topic ${topic} is pulled and shared out by the members`)),
      ).not.toEqual([]);
    },
  );

  it('a program that pops by itself is told what is missing', { timeout: TIMEOUT_MS }, async () => {
    const topic = 'old-by-hand';
    await handlers.send(topic, 1);
    const consumer = new PopConsumer({ namesrvAddr: cluster.namesrvAddr, group: 'g-old-by-hand' });
    await consumer.start();
    try {
      const error: unknown = await consumer.pop(topic, { pollTimeMs: 0 }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        retriable: false,
        message: expect.stringContaining('older than RocketMQ 5.0') as string,
      });
    } finally {
      await consumer.shutdown();
    }
  });

  it.each(['concurrent', 'orderly', 'pop'] as const)(
    'a Nest application with %s handlers consumes, and retries what failed',
    { timeout: TIMEOUT_MS },
    async (how) => {
      const topic = `old-nest-${how}`;
      const handled: string[] = [];
      const decorate = how === 'orderly' ? OrderlyConsumer : ConcurrentConsumer;
      const controller = controllerOf(
        decorate({
          topic,
          group: `g-${topic}`,
          deserializer: 'json',
          ...(how === 'pop' && { mode: 'pop' }),
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          retry: { delayLevels: [1] },
        }),
        (n: number, context) => {
          handled.push(`${n}/${context.getReconsumeTimes()}`);
          if (n % 10 === 0 && context.getReconsumeTimes() === 0) throw new Error('the first time');
        },
      );
      await handlers.send(topic, COUNT);
      const { app } = await handlers.run(controller);
      const expected = Array.from({ length: COUNT }, (_, n) =>
        n % 10 === 0 ? [`${n}/0`, `${n}/1`] : [`${n}/0`],
      ).flat();
      await waitFor(() => handled.length >= expected.length, 'every message', TIMEOUT_MS);
      await app.close();
      expect(handled.sort()).toEqual(expected.sort());
    },
  );
});
