import {
  ConsumeResult,
  MQAdmin,
  PopConsumer,
  Producer,
  PushConsumer,
  type MessageExt,
  type PushConsumerOptions,
} from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import popExample from '../../examples/patterns/src/pop/example.js';
import { waitFor } from './wait-for.js';

const QUEUES = 8;
const SEND_TIMEOUT_MS = 30_000;
/** A failed message comes again after 10 s, and what its broker does by itself takes a few seconds more. */
const REDELIVERY_TIMEOUT_MS = 60_000;

export interface PopBus {
  namesrvAddr: string;
  stop(): Promise<void>;
}

/**
 * What consumers with `mode: 'pop'` must do on any bus: the same tests for Apache RocketMQ's broker and for our own. Those that wait for a
 * redelivery wait side by side.
 */
export function describePopConsumers(name: string, start: () => Promise<PopBus>, messages: number): void {
  describe(name, () => {
    let bus: PopBus;
    let admin: MQAdmin;
    let producer: Producer;
    const members = new Set<PushConsumer>();

    beforeAll(async () => {
      bus = await start();
      admin = new MQAdmin({ namesrvAddr: bus.namesrvAddr });
      producer = new Producer({ namesrvAddr: bus.namesrvAddr, group: 'PID_pop', sendMsgTimeoutMs: SEND_TIMEOUT_MS });
      await admin.start();
      await producer.start();
    });

    afterAll(async () => {
      await Promise.all([...members].map((member) => member.shutdown()));
      await producer?.shutdown();
      await admin?.shutdown();
      await bus?.stop();
    });

    async function createTopic(topic: string): Promise<void> {
      await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
    }

    async function send(topic: string, count: number, tags?: string): Promise<void> {
      for (let from = 0; from < count; from += 500) {
        const part = Array.from({ length: Math.min(500, count - from) }, (_, i) => from + i);
        await Promise.all(
          part.map((index) => producer.send({ topic, body: String(index), ...(tags ? { tags } : {}) })),
        );
      }
    }

    async function member(
      topic: string,
      listener: Parameters<PushConsumer['registerMessageListener']>[0],
      options: Partial<PushConsumerOptions> = {},
      expression = '*',
    ): Promise<PushConsumer> {
      const consumer = new PushConsumer({
        namesrvAddr: bus.namesrvAddr,
        group: `GID_${topic}`,
        mode: 'pop',
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        ...options,
      });
      consumer.subscribe(topic, expression);
      consumer.registerMessageListener(listener);
      members.add(consumer);
      await consumer.start();
      return consumer;
    }

    async function leave(consumer: PushConsumer): Promise<void> {
      members.delete(consumer);
      await consumer.shutdown();
    }

    it(`hands ${messages} messages to three members, each once, and every member gets some of every queue`, async () => {
      const topic = 'pop-shared';
      await createTopic(topic);
      const counts = new Map<string, number>();
      const queues = [new Set<number>(), new Set<number>(), new Set<number>()];
      const group = await Promise.all(
        queues.map((seen) =>
          member(topic, (received) => {
            for (const message of received) {
              const body = message.body.toString();
              counts.set(body, (counts.get(body) ?? 0) + 1);
              seen.add(message.queueId);
            }
            return ConsumeResult.CONSUME_SUCCESS;
          }),
        ),
      );
      expect(group.map((one) => one.assignedQueues.filter((queue) => queue.topic === topic))).toEqual(
        group.map(() => [{ topic, brokerName: expect.any(String) as string, queueId: -1 }]),
      );
      await send(topic, messages);
      await waitFor(() => counts.size >= messages, `${messages} messages, ${counts.size} came`, REDELIVERY_TIMEOUT_MS);
      await Promise.all(group.map(leave));
      expect([...counts.values()].filter((count) => count > 1)).toEqual([]);
      expect(queues.every((seen) => seen.size === QUEUES)).toBe(true);

      // What was acknowledged stays so: the next member of the group gets new messages only.
      const later: string[] = [];
      const next = await member(topic, (received) => {
        later.push(...received.map((message) => message.body.toString()));
        return ConsumeResult.CONSUME_SUCCESS;
      });
      await producer.send({ topic, body: 'new' });
      await waitFor(() => later.length > 0, 'the new message', REDELIVERY_TIMEOUT_MS);
      await leave(next);
      expect(later).toEqual(['new']);
    });

    it.concurrent(
      'lets a failed message come again under its own topic, and dead-letters it after the last delivery',
      async () => {
        const topic = 'pop-failing';
        await createTopic(topic);
        const deliveries: { topic: string; reconsumeTimes: number; atMs: number; msgId: string }[] = [];
        const handled: string[] = [];
        const consumer = await member(
          topic,
          async ([message]) => {
            await Promise.resolve();
            if (message.body.toString() !== 'bad') {
              handled.push(message.body.toString());
              return ConsumeResult.CONSUME_SUCCESS;
            }
            const { reconsumeTimes, msgId } = message;
            deliveries.push({ topic: message.topic, reconsumeTimes, atMs: Date.now(), msgId });
            throw new Error('refused by the test');
          },
          { maxReconsumeTimes: 1 },
        );
        const sent = await producer.send({ topic, body: 'bad' });
        await producer.send({ topic, body: 'good' });
        await waitFor(() => deliveries.length === 2, 'the second delivery', REDELIVERY_TIMEOUT_MS);
        const dlq = await deadLetters(`GID_${topic}`, 1);
        await leave(consumer);
        expect(handled).toEqual(['good']);
        expect(deliveries.map(({ topic: from, reconsumeTimes, msgId }) => [from, reconsumeTimes, msgId])).toEqual([
          [topic, 0, sent.msgId],
          [topic, 1, sent.msgId],
        ]);
        expect(deliveries[1].atMs - deliveries[0].atMs).toBeGreaterThan(9_000);
        expect(dlq.map((message) => message.body.toString())).toEqual(['bad']);
      },
    );

    it.concurrent(
      'keeps a message of a slow handler from the other members, and acknowledges it in the end',
      async () => {
        const topic = 'pop-slow';
        await createTopic(topic);
        let deliveries = 0;
        let done = 0;
        const slow = async (): Promise<'CONSUME_SUCCESS'> => {
          deliveries++;
          await new Promise((resolve) => setTimeout(resolve, 8_000));
          done++;
          return ConsumeResult.CONSUME_SUCCESS;
        };
        const group = await Promise.all([1, 2].map(() => member(topic, slow, { invisibleTimeMs: 5_000 })));
        await producer.send({ topic, body: 'slow' });
        await waitFor(() => done > 0, 'the handler', REDELIVERY_TIMEOUT_MS);
        await Promise.all(group.map(leave));
        const after = await member(topic, () => {
          deliveries++;
          return ConsumeResult.CONSUME_SUCCESS;
        });
        await producer.send({ topic, body: 'last' });
        await waitFor(() => deliveries >= 2, 'the last message', REDELIVERY_TIMEOUT_MS);
        await leave(after);
        expect(deliveries).toBe(2);
      },
    );

    it.concurrent('gives back at shutdown what no handler has begun with, and finishes what one has', async () => {
      const topic = 'pop-leaving';
      await createTopic(topic);
      const handled: string[] = [];
      const open: (() => void)[] = [];
      const first = await member(
        topic,
        async ([message]) => {
          await new Promise<void>((resolve) => open.push(resolve));
          handled.push(`first ${message.body.toString()}`);
          return ConsumeResult.CONSUME_SUCCESS;
        },
        { concurrency: 2 },
      );
      await send(topic, 20);
      await waitFor(() => open.length === 2, 'two running handlers', REDELIVERY_TIMEOUT_MS);
      const leaving = leave(first);
      for (const finish of open) finish();
      await leaving;
      expect(handled).toHaveLength(2);
      const second = await member(topic, ([message]) => {
        handled.push(`second ${message.body.toString()}`);
        return ConsumeResult.CONSUME_SUCCESS;
      });
      // Well before the 60 s of their invisible time are over.
      await waitFor(() => handled.length >= 20, 'the messages that were given back', 45_000);
      await leave(second);
      expect(new Set(handled.map((text) => text.split(' ')[1])).size).toBe(20);
      expect(handled).toHaveLength(20);
    });

    it.concurrent('takes the subscribed tags only', async () => {
      const topic = 'pop-tags';
      await createTopic(topic);
      const got: (string | undefined)[] = [];
      const consumer = await member(
        topic,
        ([message]) => {
          got.push(message.properties['TAGS']);
          return ConsumeResult.CONSUME_SUCCESS;
        },
        {},
        'a || b',
      );
      await Promise.all(['a', 'b', 'c', 'a', 'c', 'b'].map((tags) => send(topic, 3, tags)));
      await waitFor(() => got.length >= 12, 'twelve messages', REDELIVERY_TIMEOUT_MS);
      await leave(consumer);
      expect(got.sort()).toEqual([...Array<string>(6).fill('a'), ...Array<string>(6).fill('b')]);
    });

    it.concurrent(
      'pulls where the brokers were told to let the group pull, and pops when they change their mind',
      async () => {
        const topic = 'pop-mode';
        await createTopic(topic);
        const got: string[] = [];
        const consumer = await member(
          topic,
          ([message]) => {
            got.push(message.body.toString());
            return ConsumeResult.CONSUME_SUCCESS;
          },
          { setMessageRequestMode: false, rebalanceIntervalMs: 500 },
        );
        const queueIds = (): number[] =>
          consumer.assignedQueues.filter((queue) => queue.topic === topic).map((queue) => queue.queueId);
        expect(queueIds().sort()).toEqual(Array.from({ length: QUEUES }, (_, id) => id));
        await send(topic, 10);
        await waitFor(() => got.length === 10, 'ten pulled messages', REDELIVERY_TIMEOUT_MS);
        await admin.setMessageRequestMode(topic, consumer.group, 'POP');
        await waitFor(() => queueIds().join() === '-1', 'pops', REDELIVERY_TIMEOUT_MS);
        await send(topic, 10);
        await waitFor(() => got.length >= 20, 'ten popped messages', REDELIVERY_TIMEOUT_MS);
        await admin.setMessageRequestMode(topic, consumer.group, 'PULL');
        await waitFor(() => queueIds().length === QUEUES, 'pulls', REDELIVERY_TIMEOUT_MS);
        await send(topic, 10);
        await waitFor(() => got.length >= 30, 'ten messages pulled again', REDELIVERY_TIMEOUT_MS);
        await leave(consumer);
        expect(got).toHaveLength(30);
      },
    );

    it.concurrent(
      'pops, acknowledges and gives more time to single messages for a program that asks by itself',
      async () => {
        const topic = 'pop-by-hand';
        await createTopic(topic);
        const consumer = new PopConsumer({
          namesrvAddr: bus.namesrvAddr,
          group: `GID_${topic}`,
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          invisibleTimeMs: 5_000,
        });
        await consumer.start();
        try {
          expect(await consumer.pop(topic, { pollTimeMs: 0 })).toEqual([]);
          await send(topic, 3);
          const popped = new Map<string, MessageExt>();
          const popUntil = async (count: number): Promise<void> => {
            await waitFor(
              async () => {
                for (const message of await consumer.pop(topic, { pollTimeMs: 1_000 }))
                  popped.set(message.body.toString(), message);
                return popped.size >= count || undefined;
              },
              `${count} messages`,
              REDELIVERY_TIMEOUT_MS,
            );
          };
          await popUntil(3);
          const [done, slow, forgotten] = ['0', '1', '2'].map((body) => popped.get(body)!);
          await consumer.ack(done);
          const before = slow.properties['POP_CK'];
          await consumer.changeInvisibleTime(slow, 60_000);
          expect(slow.properties['POP_CK']).not.toBe(before);
          popped.clear();
          // Only the one that was neither acknowledged nor given more time comes again.
          await popUntil(1);
          expect(
            [...popped.values()].map(({ body, topic: from, reconsumeTimes }) => [String(body), from, reconsumeTimes]),
          ).toEqual([[String(forgotten.body), topic, 1]]);
          await consumer.ack([...popped.values()][0]);
          await consumer.ack(slow);
        } finally {
          await consumer.shutdown();
        }
        await expect(consumer.pop(topic)).rejects.toMatchObject({ code: 'SHUT_DOWN' });
      },
    );

    it.concurrent('pops in order: a queue gives nothing more until what was popped of it is acknowledged', async () => {
      const topic = 'pop-in-order';
      await admin.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
      const consumer = new PopConsumer({
        namesrvAddr: bus.namesrvAddr,
        group: `GID_${topic}`,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      });
      await consumer.start();
      try {
        for (let n = 0; n < 6; n++) await producer.send({ topic, body: String(n) });
        const pop = async (): Promise<MessageExt[]> =>
          consumer.pop(topic, { order: true, maxMessages: 2, pollTimeMs: 500 });
        const got: string[] = [];
        for (let round = 0; round < 3; round++) {
          const messages = await waitFor(
            async () => {
              const part = await pop();
              return part.length > 0 ? part : undefined;
            },
            'messages of the queue',
            REDELIVERY_TIMEOUT_MS,
          );
          expect(await pop()).toEqual([]);
          for (const message of messages) {
            got.push(message.body.toString());
            await consumer.ack(message);
          }
        }
        expect(got).toEqual(['0', '1', '2', '3', '4', '5']);
      } finally {
        await consumer.shutdown();
      }
    });

    it.concurrent(
      'pops for Nest handlers: two members share one queue, and a slow message holds up no other',
      async () => {
        const said: string[] = [];
        await popExample.run({
          namesrvAddr: bus.namesrvAddr,
          runId: 'nest',
          say: (line) => said.push(line),
          until: async (what, condition) => {
            await waitFor(condition, what, REDELIVERY_TIMEOUT_MS);
          },
        });
        expect(said).toEqual([expect.stringContaining('left (queue 0) and right (queue 0)')]);
      },
    );

    /** What lies in the dead letter queue of a group. */
    async function deadLetters(group: string, count: number): Promise<MessageExt[]> {
      const found: MessageExt[] = [];
      const reader = new PushConsumer({
        namesrvAddr: bus.namesrvAddr,
        group: `${group}-dlq`,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      });
      reader.subscribe(`%DLQ%${group}`);
      reader.registerMessageListener((received) => {
        found.push(...received);
        return ConsumeResult.CONSUME_SUCCESS;
      });
      members.add(reader);
      // Readable by administrators only, as brokers create it.
      await waitFor(async () => (await dlqExists(group)) || undefined, 'the dead letter queue', REDELIVERY_TIMEOUT_MS);
      await admin.createTopic(`%DLQ%${group}`, { readQueueNums: 1, writeQueueNums: 1, perm: 6 });
      await reader.start();
      await waitFor(() => found.length >= count, `${count} dead letters`, REDELIVERY_TIMEOUT_MS);
      await leave(reader);
      return found;
    }

    async function dlqExists(group: string): Promise<boolean> {
      return (await admin.fetchAllTopicList()).includes(`%DLQ%${group}`);
    }
  });
}
