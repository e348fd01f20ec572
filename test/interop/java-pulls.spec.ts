import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, Producer, PushConsumer, silentLogger } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RocknestCluster, startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { Lab, type Delivery } from './support/lab.js';
import { requireToolchain } from './support/toolchain.js';

const VERSIONS = ['4.9.8', '5.4.0'];
const QUEUES = 4;
const ALL = '0,1,2,3';
const COUNT = 10;
const WAIT_MS = 60_000;

interface Pulled {
  status: string;
  next: number;
  min: number;
  max: number;
  messages: Delivery[];
}

let cluster: RocknestCluster;
let admin: MQAdmin;
let producer: Producer;
let localOffsetStoreDir: string;
const labs: Lab[] = [];
const labOf = (version: string): Lab => labs.find((lab) => lab.version === version)!;

beforeAll(async () => {
  requireToolchain();
  localOffsetStoreDir = mkdtempSync(join(tmpdir(), 'rocknest-offsets-'));
  cluster = await startRocknestCluster({ messageDelayLevel: '1s 1s' });
  const { namesrvAddr } = cluster;
  admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  producer = new Producer({ namesrvAddr, group: 'PID_pulls', logger: silentLogger, sendMsgTimeoutMs: 30_000 });
  await Promise.all([admin.start(), producer.start()]);
  const options = { localOffsetStoreDir };
  labs.push(...(await Promise.all(VERSIONS.map((version) => Lab.start(version, namesrvAddr, options)))));
});

afterAll(async () => {
  await Promise.all(labs.map((lab) => lab.stop()));
  await producer?.shutdown();
  await admin?.shutdown();
  await cluster?.stop();
  rmSync(localOffsetStoreDir, { recursive: true, force: true });
});

/** A topic for this version and test, and the group that is to consume it. */
async function prepare(lab: Lab, text: string): Promise<{ topic: string; group: string }> {
  const topic = lab.name(text);
  await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
  return { topic, group: `GID_${topic}` };
}

/** `COUNT` messages to each queue. @returns the bodies, `<text> <queue id> <number>`, sorted. */
async function send(topic: string, text: string): Promise<string[]> {
  const bodies: string[] = [];
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    const queue = { topic, brokerName: 'broker-a', queueId };
    for (let n = 0; n < COUNT; n++) {
      const body = `${text} ${queueId} ${n}`;
      await producer.send({ topic, body, tags: n % 2 === 0 ? 'even' : 'odd' }, { queue });
      bodies.push(body);
    }
  }
  return bodies.sort();
}

const bodiesOf = (deliveries: readonly Delivery[]): string[] => deliveries.map(({ body }) => body).sort();

/** Polls until `count` messages have come. */
async function poll(lab: Lab, name: string, count: number): Promise<Delivery[]> {
  const found: Delivery[] = [];
  await waitFor(
    async () => found.push(...(await lab.ask<Delivery[]>('lite.poll', { name, 'wait-ms': 500 }))) >= count,
    `${count} polled messages`,
    WAIT_MS,
  );
  return found;
}

describe('broadcasting (item 6): the official Java client on our broker', () => {
  it.concurrent.each(VERSIONS)(
    '%s: every member gets every message, and goes on at its own offset after a restart',
    async (version) => {
      const lab = labOf(version);
      const { topic, group } = await prepare(lab, 'broadcast');
      const first = await send(topic, 'first');
      const join = (name: string): Promise<unknown> =>
        lab.ask('push.start', { name, instance: name, group, topic, broadcasting: true });
      await Promise.all([join('one'), join('two')]);
      for (const name of ['one', 'two']) {
        await lab.waitForBodies(name, first.length);
        expect(bodiesOf(lab.begun(name))).toEqual(first);
      }
      await lab.ask('push.shutdown', { name: 'two' });
      const second = await send(topic, 'second');
      await lab.waitForBodies('one', 2 * first.length);
      // It left behind the first messages, and begins with those that came while it was away.
      await join('two');
      await lab.waitForBodies('two', 2 * first.length);
      for (const name of ['one', 'two']) expect(bodiesOf(lab.begun(name))).toEqual([...first, ...second]);
      const stats = await admin.examineConsumeStats(group, topic).catch(() => []);
      expect(stats.filter(({ consumerOffset }) => consumerOffset > 0)).toEqual([]);
      for (const name of ['one', 'two']) await lab.ask('push.shutdown', { name });
    },
  );

  it.concurrent.each(VERSIONS)(
    '%s: our client goes on where the file of local offsets of the Java client ends, and the Java client where ours ends',
    async (version) => {
      const lab = labOf(version);
      const { topic, group } = await prepare(lab, 'local-offsets');
      const [ip, instance] = ['127.0.0.1', lab.name('handed-over')];
      const java = async (name: string): Promise<string> =>
        lab.ask<string>('push.start', { name, ip, instance, group, topic, broadcasting: true });
      const first = await send(topic, 'first');
      const clientId = await java('before');
      await lab.waitForBodies('before', first.length);
      await lab.ask('push.shutdown', { name: 'before' });
      expect(existsSync(join(localOffsetStoreDir, clientId, group, 'offsets.json'))).toBe(true);

      const second = await send(topic, 'second');
      const ours: string[] = [];
      const consumer = new PushConsumer({
        namesrvAddr: cluster.namesrvAddr,
        group,
        clientIp: ip,
        instanceName: instance,
        messageModel: 'BROADCASTING',
        localOffsetStoreDir,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        logger: silentLogger,
      });
      consumer.subscribe(topic);
      consumer.registerMessageListener((messages) => {
        ours.push(...messages.map(({ body }) => body.toString()));
        return 'CONSUME_SUCCESS';
      });
      try {
        await consumer.start();
        expect(consumer.clientId).toBe(clientId);
        await waitFor(() => ours.length >= second.length, 'the second messages', WAIT_MS);
      } finally {
        await consumer.shutdown();
      }
      expect(ours.sort()).toEqual(second);

      const third = await send(topic, 'third');
      await java('after');
      await lab.waitForBodies('after', third.length);
      expect(bodiesOf(lab.begun('after'))).toEqual(third);
      await lab.ask('push.shutdown', { name: 'after' });
    },
  );
});

describe('pull consumers (item 6): the official Java client on our broker', () => {
  it.concurrent.each(VERSIONS)(
    '%s, DefaultMQPullConsumer: pulls, is held, learns of wrong offsets, keeps offsets and sends back',
    async (version) => {
      const lab = labOf(version);
      const { topic, group } = await prepare(lab, 'plain-pull');
      const startedAt = Date.now();
      const bodies = await send(topic, 'pulled');
      const name = 'plain';
      await lab.ask('pull.start', { name, group });
      expect(await lab.ask('pull.queues', { name, topic })).toEqual([0, 1, 2, 3]);
      const pull = (queue: number, offset: number, more: Record<string, string | number> = {}): Promise<Pulled> =>
        lab.ask<Pulled>('pull.pull', { name, topic, queue, offset, ...more });

      const pulled = await Promise.all([0, 1, 2, 3].map((queue) => pull(queue, 0)));
      expect(bodiesOf(pulled.flatMap(({ messages }) => messages))).toEqual(bodies);
      for (const one of pulled) expect(one).toMatchObject({ status: 'FOUND', next: COUNT, min: 0, max: COUNT });
      expect(await pull(0, 3, { max: 4 })).toMatchObject({ status: 'FOUND', next: 7 });
      expect(bodiesOf((await pull(1, 0, { expression: 'even' })).messages)).toHaveLength(COUNT / 2);
      expect(await pull(1, 0, { expression: 'none' })).toMatchObject({ status: 'NO_MATCHED_MSG', messages: [] });
      expect(await pull(2, COUNT)).toMatchObject({ status: 'NO_NEW_MSG', next: COUNT, messages: [] });
      expect(await pull(2, COUNT + 5)).toMatchObject({ status: 'OFFSET_ILLEGAL', next: COUNT, messages: [] });

      const queue = { name, topic, queue: 0 };
      expect(await lab.ask('pull.max', queue)).toBe(COUNT);
      expect(await lab.ask('pull.min', queue)).toBe(0);
      expect(await lab.ask('pull.search', { ...queue, timestamp: startedAt - 60_000 })).toBe(0);
      expect(await lab.ask('pull.search', { ...queue, timestamp: Date.now() + 60_000 })).toBe(COUNT);

      await lab.ask('pull.update', { ...queue, offset: 7 });
      await lab.ask('pull.persist', queue);
      expect(await lab.ask('pull.stored', queue)).toBe(7);
      expect(await admin.consumerOffset(group, { topic, brokerName: 'broker-a', queueId: 0 })).toBe(7);

      const held = lab.ask<Pulled>('pull.pullBlock', { name, topic, queue: 3, offset: COUNT });
      await producer.send({ topic, body: 'came' }, { queue: { topic, brokerName: 'broker-a', queueId: 3 } });
      expect(await held).toMatchObject({ status: 'FOUND', next: COUNT + 1, messages: [{ body: 'came' }] });

      await lab.ask('pull.sendBack', { ...queue, offset: 4, 'delay-level': 1 });
      const retry = { topic: `%RETRY%${group}`, brokerName: 'broker-a', queueId: 0 };
      await waitFor(async () => (await admin.maxOffset(retry).catch(() => 0)) === 1, 'the message sent back', WAIT_MS);
      const again = await lab.ask<Pulled>('pull.pull', { name, topic: retry.topic, queue: 0, offset: 0 });
      expect(again.messages).toMatchObject([{ body: 'pulled 0 4', reconsumeTimes: 1 }]);
      await lab.ask('pull.shutdown', { name });
    },
  );

  it.concurrent.each(VERSIONS)(
    '%s, DefaultLitePullConsumer: subscribes, commits, seeks, pauses and finds offsets of times',
    async (version) => {
      const lab = labOf(version);
      const { topic, group } = await prepare(lab, 'lite-subscribe');
      const first = await send(topic, 'first');
      const name = 'lite';
      const start = (auto: boolean): Promise<unknown> =>
        lab.ask('lite.start', { name, group, topic, subscribe: true, 'auto-commit': auto });
      await start(false);
      expect(bodiesOf(await poll(lab, name, first.length))).toEqual(first);
      expect(await lab.ask('lite.assignment', { name })).toEqual([0, 1, 2, 3]);
      const all = { name, topic, queues: ALL };
      expect(await lab.ask<number[]>('lite.committed', all)).not.toContain(COUNT);
      await lab.ask('lite.commit', all);
      expect(await lab.ask('lite.committed', all)).toEqual([COUNT, COUNT, COUNT, COUNT]);

      await lab.ask('lite.seekToBegin', { ...all, queues: '0,1' });
      await lab.ask('lite.seek', { ...all, queues: '2', offset: 5 });
      const again = bodiesOf(await poll(lab, name, 2 * COUNT + 5));
      expect(again).toEqual(first.filter((body) => /^first ([01] |2 [5-9])/.test(body)));

      await lab.ask('lite.pause', { ...all, queues: '0,1,2' });
      // A pull that waits at the broker while its queue is paused brings one more answer: of these.
      const between = await send(topic, 'between');
      const ofThree = (body: string): boolean => body.split(' ')[1] === '3';
      const polled: string[] = [];
      while (polled.filter(ofThree).length < COUNT) polled.push(...bodiesOf(await poll(lab, name, 1)));
      await lab.ask('lite.seekToBegin', { ...all, queues: '3' });
      const second = await send(topic, 'second');
      expect(bodiesOf(await poll(lab, name, 3 * COUNT))).toEqual([...between, ...first, ...second].filter(ofThree));
      await lab.ask('lite.resume', { ...all, queues: '0,1,2' });
      const rest = [...between, ...second].filter((body) => !ofThree(body) && !polled.includes(body));
      expect(bodiesOf(await poll(lab, name, rest.length))).toEqual(rest);
      const future = { ...all, timestamp: Date.now() + 60_000 };
      expect(await lab.ask('lite.offsetForTimestamp', future)).toEqual(Array(QUEUES).fill(3 * COUNT));
      expect(await lab.ask('lite.offsetForTimestamp', { ...all, timestamp: 1 })).toEqual(Array(QUEUES).fill(0));
      await lab.ask('lite.seekToBegin', all);
      await lab.ask('lite.seekToEnd', all);
      const third = await send(topic, 'third');
      expect(bodiesOf(await poll(lab, name, third.length))).toEqual(third);
      await lab.ask('lite.commit', all);
      await lab.ask('lite.shutdown', { name });

      // The next member of the group commits by itself, and begins where the last commit was.
      const fourth = await send(topic, 'fourth');
      await start(true);
      expect(bodiesOf(await poll(lab, name, fourth.length))).toEqual(fourth);
      const committed = async (): Promise<number> => {
        await lab.ask('lite.poll', { name, 'wait-ms': 100 });
        const queues = Array.from({ length: QUEUES }, (_, queueId) => ({ topic, brokerName: 'broker-a', queueId }));
        const offsets = await Promise.all(queues.map((queue) => admin.consumerOffset(group, queue)));
        return offsets.reduce((sum, offset) => sum + offset, 0);
      };
      await waitFor(async () => (await committed()) === 5 * COUNT * QUEUES, 'the automatic commits', WAIT_MS);
      await lab.ask('lite.shutdown', { name });
    },
  );

  it.concurrent.each(VERSIONS)(
    '%s, DefaultLitePullConsumer: reads the queues that it assigns to itself, and no other',
    async (version) => {
      const lab = labOf(version);
      const { topic, group } = await prepare(lab, 'lite-assign');
      const bodies = await send(topic, 'assigned');
      const name = 'assigned';
      await lab.ask('lite.start', { name, group, topic, 'auto-commit': true });
      await lab.ask('lite.assign', { name, topic, queues: '1,2' });
      await lab.ask('lite.seekToBegin', { name, topic, queues: '1' });
      await lab.ask('lite.seek', { name, topic, queues: '2', offset: 6 });
      expect(bodiesOf(await poll(lab, name, COUNT + 4))).toEqual(
        bodies.filter((body) => /^assigned (1 |2 [6-9])/.test(body)),
      );
      await lab.ask('lite.assign', { name, topic, queues: '3' });
      await lab.ask('lite.seekToBegin', { name, topic, queues: '3' });
      expect(bodiesOf(await poll(lab, name, COUNT))).toEqual(bodies.filter((body) => body.startsWith('assigned 3 ')));
      await lab.ask('lite.shutdown', { name });
    },
  );
});
