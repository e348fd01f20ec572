import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  LitePullConsumer,
  MQAdmin,
  Producer,
  PullConsumer,
  PushConsumer,
  silentLogger,
  type MessageExt,
  type MessageQueue,
} from '@rocknest/client-core';
import { waitFor } from '../support/wait-for.js';
import { startOfficialCluster, type OfficialCluster } from './support/official-cluster.js';

const COUNT = 40;
const textOf = (message: MessageExt): string => message.body.toString();
const expected = Array.from({ length: COUNT }, (_, n) => `text-${n}`).sort();

describe('item 6, broadcasting and pulls: our clients on the official broker', () => {
  let cluster: OfficialCluster;
  let producer: Producer;
  let admin: MQAdmin;
  const closers: (() => Promise<void>)[] = [];
  const common = (): { namesrvAddr: string; logger: typeof silentLogger } => ({
    namesrvAddr: cluster.namesrvAddr,
    logger: silentLogger,
  });

  beforeAll(async () => {
    cluster = await startOfficialCluster();
    admin = new MQAdmin(common());
    producer = new Producer({ ...common(), group: 'pull-producer' });
    await admin.start();
    await producer.start();
  }, 120_000);
  afterAll(async () => {
    for (let close = closers.pop(); close; close = closers.pop()) await close();
    await producer?.shutdown();
    await admin?.shutdown();
    await cluster?.stop();
  }, 60_000);

  const filledTopic = async (topic: string): Promise<MessageQueue[]> => {
    await admin.createTopic(topic, { writeQueueNums: 4, readQueueNums: 4 });
    await waitFor(
      async () => (await producer.fetchPublishMessageQueues(topic).catch(() => [])).length === 4,
      'the route',
    );
    for (let n = 0; n < COUNT; n++) await producer.send({ topic, body: `text-${n}` });
    return producer.fetchPublishMessageQueues(topic);
  };

  it('a lite pull consumer subscribes, commits and seeks', { timeout: 60_000 }, async () => {
    await filledTopic('lite-pull');
    const consumer = new LitePullConsumer({
      ...common(),
      group: 'lite-pull',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      autoCommit: false,
    });
    closers.push(() => consumer.shutdown());
    await consumer.subscribe('lite-pull');
    await consumer.start();
    const received: string[] = [];
    for await (const message of consumer) {
      if (received.push(textOf(message)) < COUNT) continue;
      await consumer.commit();
      break;
    }
    expect(received.sort()).toEqual(expected);
    const offsets = await Promise.all(consumer.assignment().map((queue) => admin.consumerOffset('lite-pull', queue)));
    expect(offsets.reduce((sum, offset) => sum + offset, 0)).toBe(COUNT);
    for (const queue of consumer.assignment()) await consumer.seekToBegin(queue);
    const again: string[] = [];
    await waitFor(async () => {
      again.push(...(await consumer.poll(500)).map(textOf));
      return again.length >= COUNT;
    }, 'all messages again');
    expect(again.sort()).toEqual(expected);
  });

  it('a lite pull consumer reads assigned queues', { timeout: 60_000 }, async () => {
    const queues = await filledTopic('lite-assign');
    const consumer = new LitePullConsumer({
      ...common(),
      group: 'lite-assign',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    });
    closers.push(() => consumer.shutdown());
    await consumer.assign(queues);
    await consumer.start();
    const received: string[] = [];
    for await (const batch of consumer.batches()) {
      received.push(...batch.map(textOf));
      if (received.length >= COUNT) break;
    }
    expect(received.sort()).toEqual(expected);
  });

  it('a pull consumer pulls, is held, and keeps offsets', { timeout: 60_000 }, async () => {
    const queues = await filledTopic('plain-pull');
    const consumer = new PullConsumer({ ...common(), group: 'plain-pull' });
    closers.push(() => consumer.shutdown());
    await consumer.start();
    const received: string[] = [];
    for (const queue of queues) {
      const { status, messages, nextBeginOffset } = await consumer.pull(queue, '*', 0, 32);
      expect(status).toBe('FOUND');
      received.push(...messages.map(textOf));
      consumer.updateConsumeOffset(queue, nextBeginOffset);
    }
    expect(received.sort()).toEqual(expected);
    await consumer.persist();
    const [queue] = queues;
    const offset = await admin.consumerOffset('plain-pull', queue);
    expect(offset).toBe(await consumer.maxOffset(queue));
    const held = consumer.pullBlockIfNotFound(queue, '*', offset, 32);
    await producer.send({ topic: queue.topic, body: 'came' }, { queue });
    expect((await held).messages.map(textOf)).toEqual(['came']);
  });

  it('every broadcasting member gets every message', { timeout: 60_000 }, async () => {
    await filledTopic('broadcast');
    const localOffsetStoreDir = mkdtempSync(join(tmpdir(), 'rocknest-broadcast-'));
    closers.push(async () => rmSync(localOffsetStoreDir, { recursive: true, force: true }));
    const members = await Promise.all(
      ['one', 'two'].map(async (instanceName) => {
        const received: string[] = [];
        const consumer = new PushConsumer({
          ...common(),
          group: 'broadcast',
          messageModel: 'BROADCASTING',
          localOffsetStoreDir,
          instanceName,
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        });
        closers.push(() => consumer.shutdown());
        consumer.subscribe('broadcast');
        consumer.registerMessageListener(([message]) => {
          received.push(textOf(message));
          return 'CONSUME_SUCCESS';
        });
        await consumer.start();
        return received;
      }),
    );
    await waitFor(() => members.every((received) => received.length >= COUNT), 'every message at each member');
    for (const received of members) expect(received.sort()).toEqual(expected);
  });
});
