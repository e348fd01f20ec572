import { MQAdmin, Producer, silentLogger } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RocknestCluster, startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { Lab, type Delivery } from './support/lab.js';
import { requireToolchain } from './support/toolchain.js';

const COUNT = 5;
const MAX_RECONSUME_TIMES = 16;
const FIRST_RETRY_LEVEL = 3;
const LEVELS = Array.from({ length: 18 }, () => '1s').join(' ');
/** 16 redeliveries of a second and more each, with other specs beside them. */
const WAIT_MS = 120_000;

let cluster: RocknestCluster;
let admin: MQAdmin;
let producer: Producer;
const labs: Lab[] = [];

beforeAll(async () => {
  requireToolchain();
  cluster = await startRocknestCluster({ messageDelayLevel: LEVELS });
  const { namesrvAddr } = cluster;
  admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  producer = new Producer({ namesrvAddr, group: 'PID_retry', logger: silentLogger, sendMsgTimeoutMs: 30_000 });
  await Promise.all([admin.start(), producer.start()]);
  labs.push(...(await Promise.all(['4.9.8', '5.4.0'].map((version) => Lab.start(version, namesrvAddr)))));
});

afterAll(async () => {
  await Promise.all(labs.map((lab) => lab.stop()));
  await producer?.shutdown();
  await admin?.shutdown();
  await cluster?.stop();
});

async function send(topic: string): Promise<string[]> {
  const bodies = Array.from({ length: COUNT }, (_, n) => `${topic} ${n}`);
  for (const body of bodies) await producer.send({ topic, body });
  return bodies;
}

/** What each message was delivered with, by its body. */
function byBody(deliveries: readonly Delivery[]): Map<string, Delivery[]> {
  const found = new Map<string, Delivery[]>();
  for (const delivery of deliveries) found.set(delivery.body, [...(found.get(delivery.body) ?? []), delivery]);
  return found;
}

/** A Java consumer of the dead letter topic of the group gets each of the messages once; an orderly one in the order of the queue. */
async function expectDeadLetters(
  lab: Lab,
  group: string,
  bodies: readonly string[],
  orderly = false,
): Promise<Delivery[]> {
  const topic = `%DLQ%${group}`;
  const name = `${group}-dead`;
  await waitFor(async () => (await admin.fetchAllTopicList()).includes(topic), topic, WAIT_MS);
  await lab.ask('push.start', { name, group: `${group}-dead`, topic, orderly });
  await waitFor(() => lab.begun(name).length >= bodies.length, `messages of ${topic}`, WAIT_MS);
  const dead = lab.begun(name);
  expect(dead.map(({ body }) => body).sort()).toEqual(bodies);
  return dead;
}

describe('retry and dead letters (item 2): the official Java client on our broker', () => {
  it.concurrent(
    '4.9.8 and 5.4.0, concurrently: 16 redeliveries, each at the next delay level, then the dead letter topic',
    async () => {
      await Promise.all(
        labs.map(async (lab) => {
          const topic = lab.name('dead');
          const group = `GID_${topic}`;
          await admin.createTopic(topic, { readQueueNums: 4, writeQueueNums: 4 });
          const bodies = await send(topic);
          await lab.ask('push.start', { name: 'dead', group, topic, how: 'fail' });
          const deliveries = COUNT * (MAX_RECONSUME_TIMES + 1);
          await waitFor(() => lab.begun('dead').length >= deliveries, `${deliveries} deliveries`, WAIT_MS);
          const dead = await expectDeadLetters(lab, group, bodies);
          expect(dead.every(({ reconsumeTimes }) => reconsumeTimes === MAX_RECONSUME_TIMES + 1)).toBe(true);
          const seen = byBody(lab.begun('dead'));
          expect([...seen.keys()].sort()).toEqual(bodies);
          for (const [body, times] of seen) {
            const counts = times.map(({ reconsumeTimes }) => reconsumeTimes);
            expect(counts, body).toEqual(Array.from({ length: MAX_RECONSUME_TIMES + 1 }, (_, n) => n));
            expect(new Set(times.map((one) => `${one.topic} ${one.msgId}`)), body).toHaveLength(1);
          }
        }),
      );
      // Nothing else on this broker is delayed: each level from the third on took every message once.
      for (let level = 1; level <= MAX_RECONSUME_TIMES + FIRST_RETRY_LEVEL - 1; level++) {
        const queue = { topic: 'SCHEDULE_TOPIC_XXXX', brokerName: 'broker-a', queueId: level - 1 };
        const expected = level < FIRST_RETRY_LEVEL ? 0 : COUNT * labs.length;
        expect(await admin.maxOffset(queue), `level ${level}`).toBe(expected);
      }
    },
  );

  it.concurrent.each(['4.9.8', '5.4.0'])(
    '%s, in order: the queue waits for its first message until maxReconsumeTimes, then that is a dead letter and the queue goes on',
    async (version) => {
      const lab = labs.find((one) => one.version === version)!;
      const topic = lab.name('dead-in-order');
      const group = `GID_${topic}`;
      await admin.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
      const bodies = await send(topic);
      const options = { orderly: true, 'suspend-ms': 20, 'max-reconsume': 3, how: 'fail' };
      await lab.ask('push.start', { name: 'dead-in-order', group, topic, ...options });
      const dead = await expectDeadLetters(lab, group, bodies, true);
      expect(dead.map(({ body }) => body)).toEqual(bodies);
      const seen = lab.begun('dead-in-order').map(({ body, reconsumeTimes }) => `${body}: ${reconsumeTimes}`);
      expect(seen).toEqual(bodies.flatMap((body) => [0, 1, 2, 3].map((times) => `${body}: ${times}`)));
    },
  );
});
