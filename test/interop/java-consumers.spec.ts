import { MQAdmin, Producer, silentLogger } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RocknestCluster, startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { Lab } from './support/lab.js';
import { requireToolchain } from './support/toolchain.js';

const QUEUES = 4;
const VERSIONS = ['4.9.8', '5.4.0'];
/** The client looks for messages past their time a minute after its start, not before. */
const WAIT_MS = 120_000;

let cluster: RocknestCluster;
let admin: MQAdmin;
let producer: Producer;
const labs: Lab[] = [];
const labOf = (version: string): Lab => labs.find((lab) => lab.version === version)!;

beforeAll(async () => {
  requireToolchain();
  cluster = await startRocknestCluster({ messageDelayLevel: '1s 1s 1s' });
  const { namesrvAddr } = cluster;
  admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  producer = new Producer({ namesrvAddr, group: 'PID_consumers', logger: silentLogger, sendMsgTimeoutMs: 30_000 });
  await Promise.all([admin.start(), producer.start()]);
  labs.push(...(await Promise.all(VERSIONS.map((version) => Lab.start(version, namesrvAddr)))));
});

afterAll(async () => {
  await Promise.all(labs.map((lab) => lab.stop()));
  await producer?.shutdown();
  await admin?.shutdown();
  await cluster?.stop();
});

/** A topic for this version and test, and the group that is to consume it. */
async function prepare(lab: Lab, text: string): Promise<{ topic: string; group: string }> {
  const topic = lab.name(text);
  await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
  return { topic, group: `GID_${topic}` };
}

/** `count` messages to each queue; bodies are `<text> <queue id> <number>`. */
async function send(topic: string, text: string, count: number): Promise<void> {
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    const queue = { topic, brokerName: 'broker-a', queueId };
    for (let n = 0; n < count; n++) await producer.send({ topic, body: `${text} ${queueId} ${n}` }, { queue });
  }
}

async function waitForCommits(group: string, topic: string): Promise<void> {
  await waitFor(
    async () => {
      const stats = (await admin.examineConsumeStats(group, topic)).filter(({ queue }) => queue.topic === topic);
      return stats.length === QUEUES && stats.every((one) => one.consumerOffset === one.brokerOffset);
    },
    `the commits of ${group}`,
    WAIT_MS,
  );
}

describe('how the official Java client consumes from our broker', () => {
  it.concurrent.each(VERSIONS)(
    '%s (item 3: consume time-out): what a listener does not end in time comes again, and does not block its queue',
    async (version) => {
      const lab = labOf(version);
      const { topic, group } = await prepare(lab, 'hung');
      // A minute is the least that the client can be told, and its first look comes after it: by then no message may be older than that.
      await lab.ask('push.start', { name: 'hung', group, topic, how: 'hold-first', 'timeout-minutes': 1 });
      await lab.ask('push.timeout', { name: 'hung', minutes: 0 });
      await send(topic, 'hung', 1);
      await waitFor(() => lab.ended('hung').length === QUEUES, 'every message again', WAIT_MS);
      const again = lab.ended('hung').flatMap(({ messages }) => messages);
      expect(again.map(({ reconsumeTimes }) => reconsumeTimes)).toEqual([1, 1, 1, 1]);
      expect(new Set(again.map(({ body }) => body)).size).toBe(QUEUES);
      // The listeners that hang have given nothing back, and still the group's progress is complete.
      await waitForCommits(group, topic);
      await lab.ask('push.release', { name: 'hung' });
    },
  );

  it.concurrent.each(VERSIONS)(
    '%s (item 3: batch sizes): of a batch only what ackIndex leaves out comes again',
    async (version) => {
      const lab = labOf(version);
      const { topic, group } = await prepare(lab, 'batches');
      await send(topic, 'batch', 20);
      await lab.ask('push.start', { name: 'batches', group, topic, batch: 8, how: 'ack:5' });
      const failed = (): string[] =>
        lab.ended('batches').flatMap(({ messages, done }) => messages.slice(done).map(({ body }) => body));
      const again = (): string[] =>
        lab
          .begun('batches')
          .filter(({ reconsumeTimes }) => reconsumeTimes === 1)
          .map(({ body }) => body);
      const first = (): string[] =>
        lab
          .ended('batches')
          .flatMap(({ messages }) => messages)
          .filter(({ reconsumeTimes }) => reconsumeTimes === 0)
          .map(({ body }) => body);
      await waitFor(() => first().length === 20 * QUEUES, 'all messages', WAIT_MS);
      await waitFor(() => again().length >= failed().length, 'what was left out', WAIT_MS);
      await waitForCommits(group, topic);
      const sizes = lab.ended('batches').map(({ messages }) => messages.length);
      expect(Math.max(...sizes)).toBe(8);
      expect(failed().length).toBeGreaterThanOrEqual(2 * 3 * QUEUES);
      expect(again().sort()).toEqual(failed().sort());
      expect(lab.begun('batches')).toHaveLength(20 * QUEUES + failed().length);
    },
  );

  it.concurrent.each(VERSIONS)(
    '%s (item 3: pause and resume): a suspended consumer keeps its queues and takes nothing, until it goes on',
    async (version) => {
      const lab = labOf(version);
      const { topic, group } = await prepare(lab, 'paused');
      await lab.ask('push.start', { name: 'paused', group, topic });
      await lab.ask('push.start', { name: 'beside', group: `${group}-beside`, topic });
      await send(topic, 'before', 1);
      await lab.waitForBodies('paused', QUEUES);
      await lab.ask('push.suspend', { name: 'paused' });
      // A pull that waits at the broker when the consumer is suspended brings one more answer: these.
      await send(topic, 'answers', 1);
      await lab.waitForBodies('beside', 2 * QUEUES);
      await send(topic, 'later', 5);
      await lab.waitForBodies('beside', 7 * QUEUES);
      expect(lab.begun('paused').filter(({ body }) => body.startsWith('later'))).toEqual([]);
      expect(await lab.ask('push.assigned', { name: 'paused', topic })).toHaveLength(QUEUES);
      await lab.ask('push.resume', { name: 'paused' });
      await lab.waitForBodies('paused', 7 * QUEUES);
      await waitForCommits(group, topic);
      expect(lab.begun('paused')).toHaveLength(7 * QUEUES);
    },
  );

  it.concurrent.each(VERSIONS)(
    '%s (item 8: flow control): a queue whose messages are not handled stops at its threshold, the others go on',
    async (version) => {
      const lab = labOf(version);
      const { topic, group } = await prepare(lab, 'blocked');
      const [threshold, batch] = [10, 4];
      await send(topic, 'blocked', 100);
      const options = { threshold, 'pull-batch': batch, threads: 64, how: 'hold-queue:2' };
      await lab.ask('push.start', { name: 'blocked', group, topic, ...options });
      await waitFor(() => lab.ended('blocked').length === 3 * 100, 'the messages of the other queues', WAIT_MS);
      const cached = await lab.ask<Record<string, number>>('push.cached', { name: 'blocked', topic });
      expect(cached).toMatchObject({ 0: 0, 1: 0, 3: 0 });
      expect(cached[2]).toBeGreaterThan(threshold);
      expect(cached[2]).toBeLessThanOrEqual(threshold + batch);
      await lab.ask('push.behave', { name: 'blocked', how: 'ok' });
      await waitFor(() => lab.ended('blocked').length === 4 * 100, 'the messages of the queue that stood', WAIT_MS);
      await waitForCommits(group, topic);
      expect(new Set(lab.begun('blocked').map(({ body }) => body)).size).toBe(400);
    },
  );

  it.concurrent.each(VERSIONS)(
    '%s (item 9: shutdown): a member that leaves with messages in flight ends them, and none is lost or counted as failed',
    async (version) => {
      const lab = labOf(version);
      const { topic, group } = await prepare(lab, 'leaving');
      const join = (name: string): Promise<unknown> =>
        lab.ask('push.start', { name, group, topic, how: 'slow:5', threads: 4 });
      await Promise.all([join('leaver'), join('stayer')]);
      await lab.waitForQueues('leaver', topic, 2);
      await lab.waitForQueues('stayer', topic, 2);
      await send(topic, 'leaving', 150);
      await waitFor(() => lab.ended('leaver').length > 20, 'the leaver to be at work', WAIT_MS);
      await lab.ask('push.shutdown', { name: 'leaver' });
      // No listener of the one that left is still at work, and none was broken off.
      expect(lab.begun('leaver')).toHaveLength(lab.ended('leaver').length);
      const all = (): string[] =>
        [...lab.ended('leaver'), ...lab.ended('stayer')].flatMap(({ messages, done }) =>
          messages.slice(0, done).map(({ body }) => body),
        );
      await waitFor(() => new Set(all()).size === 150 * QUEUES, 'every message', WAIT_MS);
      await waitForCommits(group, topic);
      const times = [...lab.begun('leaver'), ...lab.begun('stayer')].map(({ reconsumeTimes }) => reconsumeTimes);
      expect(Math.max(...times)).toBe(0);
      await lab.ask('push.shutdown', { name: 'stayer' });
      // A group that comes back goes on behind what it had done.
      await lab.ask('push.start', { name: 'again', group, topic });
      await send(topic, 'new', 1);
      await lab.waitForBodies('again', QUEUES);
      expect(lab.begun('again').every(({ body }) => body.startsWith('new'))).toBe(true);
    },
  );

  it.concurrent.each([
    ['holds no pull longer than it is set to', { longPollingEnable: false, shortPollingTimeMills: 100 }],
    ['holds no more pulls than it is set to', { maxParkedPulls: 1 }],
  ])('4.9.8 and 5.4.0 (item 8: hold limits): consumers go on at a broker that %s', async (_, config) => {
    const topic = `limited-${Object.keys(config)[0]}`;
    const limited = await startRocknestCluster(config);
    const { namesrvAddr } = limited;
    const sender = new Producer({ namesrvAddr, group: 'PID_limited', logger: silentLogger, sendMsgTimeoutMs: 30_000 });
    try {
      await sender.start();
      await sender.send({ topic, body: 'first' });
      const options = { name: topic, topic, namesrv: namesrvAddr };
      await Promise.all(
        labs.map((lab) => lab.ask('push.start', { ...options, group: lab.name('GID_limited'), instance: topic })),
      );
      for (let n = 1; n <= 5; n++) {
        await Promise.all(labs.map((lab) => lab.waitForBodies(topic, n)));
        // Pulls that found nothing come back before this one arrives.
        await new Promise((resolve) => setTimeout(resolve, 300));
        await sender.send({ topic, body: String(n) });
      }
      await Promise.all(labs.map((lab) => lab.waitForBodies(topic, 6)));
      for (const lab of labs) {
        expect(lab.begun(topic)).toHaveLength(6);
        await lab.ask('push.shutdown', { name: topic });
      }
    } finally {
      await sender.shutdown();
      await limited.stop();
    }
  });
});
