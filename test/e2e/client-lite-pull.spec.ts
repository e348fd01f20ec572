import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  LitePullConsumer,
  MQAdmin,
  silentLogger,
  type LitePullConsumerOptions,
  type MessageExt,
  type MessageQueue,
} from '@rocknest/client-core';
import { startCluster, type RunningCluster } from '@rocknest/testing';
import { waitFor } from '../support/wait-for.js';
import { Clients, texts, uniqueName } from './support/clients.js';

const textOf = (message: MessageExt): string => message.body.toString();

describe('lite pull consumers', () => {
  let cluster: RunningCluster;
  let clients: Clients;
  let admin: MQAdmin;
  let topic: string;
  let group: string;

  beforeAll(async () => {
    cluster = await startCluster({ brokers: 2 });
    admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
    await admin.start();
    clients = new Clients(cluster.namesrvAddr);
  });
  beforeEach(async () => {
    topic = uniqueName('topic');
    group = uniqueName('group');
    await admin.createTopic(topic, { writeQueueNums: 2, readQueueNums: 2 });
  });
  afterEach(() => clients.shutdown());
  afterAll(async () => {
    await admin.shutdown();
    await cluster.stop();
  });

  const make = (options: Partial<LitePullConsumerOptions> = {}): LitePullConsumer => {
    const consumer = new LitePullConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      pollMissingRouteIntervalMs: 50,
      logger: silentLogger,
      ...options,
    });
    clients.add(() => consumer.shutdown({ timeoutMs: 1_000 }));
    return consumer;
  };
  const subscribed = async (options: Partial<LitePullConsumerOptions> = {}, tags = '*'): Promise<LitePullConsumer> => {
    const consumer = make(options);
    await consumer.subscribe(topic, tags);
    await consumer.start();
    return consumer;
  };
  const send = async (bodies: string[], queue?: MessageQueue, tags?: string): Promise<void> => {
    const producer = await clients.producer();
    for (const body of bodies) await producer.send({ topic, body, ...(tags && { tags }) }, queue && { queue });
    await producer.shutdown();
  };
  const pollUntil = async (consumer: LitePullConsumer, count: number): Promise<string[]> => {
    const received: string[] = [];
    await waitFor(async () => {
      received.push(...(await consumer.poll(100)).map(textOf));
      return received.length >= count;
    }, `${count} messages, of ${topic}`);
    return received;
  };

  it('polls what it subscribes to, and commits by itself what the next poll goes past', async () => {
    await send(texts(50));
    const consumer = await subscribed();
    expect(consumer.assignment()).toHaveLength(4);
    expect((await pollUntil(consumer, 50)).sort()).toEqual(texts(50).sort());
    expect(await consumer.poll(0)).toEqual([]);
    await consumer.shutdown();
    await send(['one more']);
    const next = await subscribed();
    expect(await pollUntil(next, 1)).toEqual(['one more']);
  });

  it('takes the tags it asks for', async () => {
    await send(texts(5, 'a'), undefined, 'A');
    await send(texts(5, 'b'), undefined, 'B');
    const consumer = await subscribed({}, 'B || C');
    expect((await pollUntil(consumer, 5)).sort()).toEqual(texts(5, 'b').sort());
    expect(await consumer.poll(50)).toEqual([]);
  });

  it('without auto-commit everything comes again until it is committed', async () => {
    await send(texts(20));
    const first = await subscribed({ autoCommit: false });
    await pollUntil(first, 20);
    await first.shutdown();
    const second = await subscribed({ autoCommit: false });
    expect((await pollUntil(second, 20)).sort()).toEqual(texts(20).sort());
    await second.commit();
    const committed = await Promise.all(second.assignment().map((queue) => admin.consumerOffset(group, queue)));
    expect(committed.reduce((sum, offset) => sum + offset, 0)).toBe(20);
    await second.shutdown();
    const third = await subscribed({ autoCommit: false });
    await send(['new']);
    expect(await pollUntil(third, 1)).toEqual(['new']);
  });

  it('commits the offsets it is given, at once or with the next write', async () => {
    await send(texts(20));
    const consumer = await subscribed({ autoCommit: false });
    const [queue] = consumer.assignment();
    // On a young topic brokers answer 0 for a group that has no offset.
    expect(await consumer.committed(queue)).toBe(0);
    await consumer.commitOffsets([[queue, 2]]);
    expect(await admin.consumerOffset(group, queue)).toBe(2);
    expect(await consumer.committed(queue)).toBe(2);
    await consumer.commitOffsets([[queue, 1]], { persist: false });
    expect(await admin.consumerOffset(group, queue)).toBe(2);
    await consumer.shutdown();
    expect(await admin.consumerOffset(group, queue)).toBe(1);
  });

  it('reads the queues that it is assigned, beside others that read them too', async () => {
    const [one, two] = await (await clients.producer()).fetchPublishMessageQueues(topic);
    await send(texts(10, 'one'), one);
    await send(texts(10, 'two'), two);
    const consumer = make();
    await consumer.assign([one]);
    await consumer.start();
    const other = make();
    await other.assign([one]);
    await other.start();
    expect(await pollUntil(consumer, 10)).toEqual(texts(10, 'one'));
    expect(await pollUntil(other, 10)).toEqual(texts(10, 'one'));
    await consumer.assign([two]);
    expect(consumer.assignment()).toEqual([two]);
    expect(await pollUntil(consumer, 10)).toEqual(texts(10, 'two'));
    await expect(consumer.subscribe(topic)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(consumer.assign([])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('filters assigned queues', async () => {
    const [queue] = await (await clients.producer()).fetchPublishMessageQueues(topic);
    await send(texts(3, 'a'), queue, 'A');
    await send(texts(3, 'b'), queue, 'B');
    const consumer = make();
    consumer.setSubExpressionForAssign(topic, 'B');
    await consumer.assign([queue]);
    await consumer.start();
    expect(await pollUntil(consumer, 3)).toEqual(texts(3, 'b'));
  });

  it('seeks, by offset and by time, and refuses what is not in the queue', async () => {
    const [queue] = await (await clients.producer()).fetchPublishMessageQueues(topic);
    await send(texts(10), queue);
    await waitFor(async () => (await admin.maxOffset(queue)) === 10, 'ten messages in the queue');
    const middleMs = Date.now() + 1;
    await waitFor(() => Date.now() > middleMs, 'the clock');
    await send(texts(10, 'later'), queue);
    const consumer = make();
    await consumer.assign([queue]);
    await consumer.start();
    await pollUntil(consumer, 20);
    await consumer.seek(queue, 5);
    expect((await pollUntil(consumer, 15))[0]).toBe('text-5');
    await consumer.seek(queue, await consumer.offsetForTimestamp(queue, middleMs));
    expect(await pollUntil(consumer, 10)).toEqual(texts(10, 'later'));
    await consumer.seekToBegin(queue);
    expect((await pollUntil(consumer, 20))[0]).toBe('text-0');
    await consumer.seekToEnd(queue);
    await send(['last'], queue);
    expect(await pollUntil(consumer, 1)).toEqual(['last']);
    await expect(consumer.seek(queue, 22)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(consumer.seek({ ...queue, queueId: 1 }, 0)).rejects.toMatchObject({ code: 'QUEUE_NOT_ASSIGNED' });
  });

  it('pauses queues and goes on with them', async () => {
    const [queue] = await (await clients.producer()).fetchPublishMessageQueues(topic);
    const consumer = make();
    await consumer.assign([queue]);
    await consumer.start();
    consumer.pause([queue]);
    // The pull under way ends with this one; no other begins.
    await send(['under way'], queue);
    await pollUntil(consumer, 1);
    await send(texts(3), queue);
    expect(await consumer.poll(100)).toEqual([]);
    consumer.resume([queue]);
    expect(await pollUntil(consumer, 3)).toEqual(texts(3));
  });

  it('shares the queues with a member that joins, and takes them back', async () => {
    const first = await subscribed({ rebalanceIntervalMs: 200 });
    const told: number[] = [];
    first.onAssignment((queues) => told.push(queues.length));
    const second = await subscribed({ rebalanceIntervalMs: 200 });
    await waitFor(() => first.assignment().length === 2 && second.assignment().length === 2, 'two queues each');
    await second.shutdown();
    await waitFor(() => first.assignment().length === 4, 'all queues');
    expect(told).toEqual([2, 4]);
  });

  it('pulls no more than its thresholds allow', async () => {
    const [queue] = await (await clients.producer()).fetchPublishMessageQueues(topic);
    await send(texts(40), queue);
    const consumer = make({ pullThresholdForAll: 10, pullBatchSize: 5 });
    await consumer.assign([queue]);
    await consumer.start();
    const held = (): number => Number(consumer.runningInfo()?.mqTable[0]?.value.cachedMsgCount ?? 0);
    await waitFor(() => held() > 10, 'a full buffer');
    expect(held()).toBeLessThanOrEqual(15);
    expect(await pollUntil(consumer, 40)).toEqual(texts(40));
  });

  it('broadcasts from the queues of all members', async () => {
    await send(texts(10));
    const localOffsetStoreDir = mkdtempSync(join(tmpdir(), 'rocknest-lite-'));
    clients.add(async () => rmSync(localOffsetStoreDir, { recursive: true, force: true }));
    const model = { messageModel: 'BROADCASTING', localOffsetStoreDir } as const;
    const first = await subscribed({ ...model, instanceName: 'first' });
    const second = await subscribed({ ...model, instanceName: 'second' });
    expect(first.assignment()).toHaveLength(4);
    expect((await pollUntil(first, 10)).sort()).toEqual((await pollUntil(second, 10)).sort());
  });

  it('tells of a topic that got more queues', async () => {
    const consumer = make({ topicMetadataCheckIntervalMs: 50 });
    const [queue] = await (await clients.producer()).fetchPublishMessageQueues(topic);
    await consumer.assign([queue]);
    await consumer.start();
    const seen: number[] = [];
    await consumer.registerTopicMessageQueueChangeListener(topic, (_topic, queues) => void seen.push(queues.length));
    await admin.createTopic(topic, { writeQueueNums: 3, readQueueNums: 3 });
    await waitFor(() => seen.at(-1) === 6, 'six queues');
  });

  describe('as an iterator', () => {
    it('gives message by message; the one whose loop is left comes first in the next loop', async () => {
      const [queue] = await (await clients.producer()).fetchPublishMessageQueues(topic);
      await send(texts(5), queue);
      const consumer = make();
      await consumer.assign([queue]);
      await consumer.start();
      const received: string[] = [];
      for await (const message of consumer) {
        received.push(textOf(message));
        if (received.length === 3) break;
      }
      expect(received).toEqual(texts(3));
      await expect(
        (async () => {
          for await (const message of consumer) throw new Error(`failed on ${textOf(message)}`);
        })(),
      ).rejects.toThrow('failed on text-2');
      for await (const message of consumer) {
        received.push(textOf(message));
        if (received.length < 6) continue;
        await consumer.commit();
        break;
      }
      expect(received.slice(3)).toEqual(['text-2', 'text-3', 'text-4']);
      expect(await admin.consumerOffset(group, queue)).toBe(5);
      expect(await consumer.poll(50)).toEqual([]);
    });

    it('ends when its signal aborts', async () => {
      const consumer = await subscribed();
      const abort = new AbortController();
      const received: string[] = [];
      const loop = (async () => {
        for await (const batch of consumer.batches({ signal: abort.signal, maxMessages: 3 })) {
          expect(batch.length).toBeLessThanOrEqual(3);
          received.push(...batch.map(textOf));
        }
      })();
      await send(texts(10));
      await waitFor(() => received.length === 10, 'ten messages');
      abort.abort();
      await loop;
      expect(received.sort()).toEqual(texts(10).sort());
    });

    it('a shutdown waits for the body of the loop, and nothing of it comes again', async () => {
      const [queue] = await (await clients.producer()).fetchPublishMessageQueues(topic);
      await send(texts(5), queue);
      const consumer = make();
      await consumer.assign([queue]);
      await consumer.start();
      const received: string[] = [];
      let finish = (): void => undefined;
      const loop = (async () => {
        for await (const message of consumer) {
          received.push(textOf(message));
          if (received.length === 2) await new Promise<void>((resolve) => (finish = resolve));
        }
      })();
      await waitFor(() => received.length === 2, 'the second message');
      const closing = consumer.shutdown({ timeoutMs: 10_000 });
      finish();
      await Promise.all([loop, closing]);
      expect(received).toEqual(texts(2));
      expect(await admin.consumerOffset(group, queue)).toBe(2);
      await expect(consumer.poll(0)).rejects.toMatchObject({ code: 'SHUT_DOWN' });
      expect(() => consumer.messages()).toThrow('was shut down');
    });
  });

  it('refuses wrong options and wrong order', async () => {
    for (const wrong of [
      { autoCommit: 'no' as never },
      { pullBatchSize: 0 },
      { pullThresholdForAll: 0 },
      { pullFromBrokerId: -1 },
      { consumeFromWhere: 'SOMEWHERE' as never },
    ]) {
      expect(() => make(wrong)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
    const consumer = make();
    await expect(consumer.poll()).rejects.toMatchObject({ code: 'NOT_STARTED' });
    await consumer.subscribe(topic);
    await consumer.start();
    await expect(consumer.start()).rejects.toMatchObject({ code: 'ALREADY_STARTED' });
    await expect(consumer.fetchMessageQueues('no-such-topic')).rejects.toMatchObject({ code: 'NO_ROUTE' });
    expect(await consumer.fetchMessageQueues(topic)).toHaveLength(4);
  });
});
