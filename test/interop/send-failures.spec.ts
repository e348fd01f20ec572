import { MQAdmin, MQBrokerError, Producer, type ProducerOptions, silentLogger } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { Lab } from './support/lab.js';
import { requireToolchain } from './support/toolchain.js';
import { startOfficialMasters, startOurMasters, type TwoMasters } from './support/two-masters.js';

const QUEUES = 4;
/** What a send may take while a broker hangs. */
const SHORT_TIMEOUT_MS = 3_000;
const LONG_TIMEOUT_MS = 60_000;
const WAIT_MS = 60_000;

interface Sent {
  stored: string[];
  errors: string[];
  brokers: Record<string, number>;
}

async function createTopic(namesrvAddr: string, topic: string): Promise<void> {
  const admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  await admin.start();
  await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
  await admin.shutdown();
}

/** How many messages the brokers hold. */
async function storedCount(namesrvAddr: string, topic: string): Promise<number> {
  const admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  await admin.start();
  const stats = await admin.examineTopicStats(topic);
  await admin.shutdown();
  return stats.reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0);
}

describe('sends to two of our brokers by the official Java client (item 2: failure handling)', () => {
  let cluster: TwoMasters;
  const labs: Lab[] = [];

  beforeAll(async () => {
    requireToolchain();
    // A send that finds another one waiting for the disk is refused.
    cluster = await startOurMasters({ flushDiskType: 'SYNC_FLUSH', sendThreadPoolQueueCapacity: 1 });
  });

  afterAll(async () => {
    await Promise.all(labs.map((lab) => lab.stop()));
    await cluster?.stop();
  });

  async function labOf(version: string): Promise<{ lab: Lab; topic: string }> {
    const lab = await Lab.start(version, cluster.namesrvAddr);
    labs.push(lab);
    const topic = lab.name('failing-sends');
    await createTopic(cluster.namesrvAddr, topic);
    return { lab, topic };
  }

  it.each(['4.9.8', '5.4.0'])(
    'client %s: SYSTEM_BUSY is answered, nothing refused is stored; sends leave a hanging broker and a killed one',
    async (version) => {
      const isBusy = (error: string): boolean => error.includes('CODE: 2');
      const { lab, topic } = await labOf(version);
      const send = (name: string, operation: string, body: string, count: number): Promise<Sent> =>
        lab.ask<Sent>(`send.${operation}`, { name, topic, body, count });
      await lab.ask('send.start', { name: 'patient' });

      const calm = await send('patient', 'many', 'calm', 16);
      expect(calm.errors).toEqual([]);
      expect(Object.keys(calm.brokers)).toEqual(['broker-a', 'broker-b']);

      const busy = await send('patient', 'async', 'busy', 400);
      expect(busy.stored.length + busy.errors.length).toBe(400);
      expect(busy.errors.length, 'sends that were refused').toBeGreaterThan(0);
      expect(busy.errors.filter((error) => !isBusy(error))).toEqual([]);
      expect(await storedCount(cluster.namesrvAddr, topic)).toBe(16 + busy.stored.length);

      const detector = version.startsWith('5');
      await lab.ask('send.start', {
        name: 'quick',
        'timeout-ms': SHORT_TIMEOUT_MS,
        fault: true,
        detector,
        group: 'PID_q',
      });
      const before = await send('quick', 'many', 'before', 16);
      expect(before.errors).toEqual([]);
      process.kill(cluster.b.pid, 'SIGSTOP');
      try {
        const first = await send('quick', 'many', 'hanging', 16);
        const after = await send('quick', 'many', 'isolated', 16);
        expect(first.errors.length, 'a send or two find out').toBeLessThanOrEqual(2);
        expect(after).toMatchObject({ errors: [], brokers: { 'broker-a': 16 } });
      } finally {
        process.kill(cluster.b.pid, 'SIGCONT');
      }
      if (detector) {
        // The client probes the broker and sends to it again.
        await waitFor(
          async () => ((await send('quick', 'many', 'back', 8)).brokers['broker-b'] ?? 0) > 0,
          'sends to the broker that is back',
          WAIT_MS,
        );
      }
      await cluster.b.kill9();
      const killed = await send('patient', 'many', 'killed', 16);
      expect(killed).toMatchObject({ errors: [], brokers: { 'broker-a': 16 } });
      const inTurns = await send('patient', 'async', 'killed-async', 16);
      expect(inTurns.stored.length + inTurns.errors.filter(isBusy).length, 'async sends that another broker took').toBe(
        16,
      );
      expect(Object.keys(inTurns.brokers)).toEqual(['broker-a']);
      await cluster.b.start();
    },
  );
});

describe('sends of our client to two official brokers (item 2: failure handling)', () => {
  let cluster: TwoMasters;
  const producers: Producer[] = [];

  beforeAll(async () => {
    requireToolchain();
    // One thread and a queue of one: what comes while it is full is refused with SYSTEM_BUSY.
    cluster = await startOfficialMasters({ sendMessageThreadPoolNums: 1, sendThreadPoolQueueCapacity: 1 });
  });

  afterAll(async () => {
    await Promise.all(producers.map((producer) => producer.shutdown({ timeoutMs: 1_000 })));
    await cluster?.stop();
  });

  async function started(options: Partial<ProducerOptions>): Promise<Producer> {
    const producer = new Producer({
      namesrvAddr: cluster.namesrvAddr,
      group: 'PID_failures',
      logger: silentLogger,
      ...options,
    });
    producers.push(producer);
    await producer.start();
    return producer;
  }

  async function sendMany(producer: Producer, topic: string, count: number): Promise<Record<string, number>> {
    const brokers: Record<string, number> = {};
    for (let i = 0; i < count; i++) {
      const { messageQueue } = await producer.send({ topic, body: `message ${i}` });
      brokers[messageQueue.brokerName] = (brokers[messageQueue.brokerName] ?? 0) + 1;
    }
    return brokers;
  }

  it('pauses after SYSTEM_BUSY and gets every message stored, once', async () => {
    const topic = 'busy-sends';
    await createTopic(cluster.namesrvAddr, topic);
    const impatient = await started({ retryTimesWhenSendFailed: 0, sendMsgTimeoutMs: LONG_TIMEOUT_MS });
    const sends = (producer: Producer): Promise<PromiseSettledResult<unknown>[]> =>
      Promise.allSettled(Array.from({ length: 400 }, (_, i) => producer.send({ topic, body: `message ${i}` })));
    const once = await sends(impatient);
    const refused = once.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(refused.length, 'the broker refuses').toBeGreaterThan(0);
    expect(refused.every((error) => error instanceof MQBrokerError && error.responseCode === 2)).toBe(true);
    const stored = await waitForStored(topic, 400 - refused.length);
    const patient = await started({ sendMsgTimeoutMs: LONG_TIMEOUT_MS, group: 'PID_patient' });
    const all = await sends(patient);
    expect(all.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(await waitForStored(topic, stored + 400)).toBe(stored + 400);
  });

  it('leaves a hanging broker, sends to it again when it is back, and leaves it when it is killed', async () => {
    const topic = 'hanging-sends';
    await createTopic(cluster.namesrvAddr, topic);
    const producer = await started({
      sendMsgTimeoutMs: LONG_TIMEOUT_MS,
      sendMsgMaxTimeoutPerRequestMs: SHORT_TIMEOUT_MS,
      sendLatencyFaultEnable: true,
      startDetectorEnable: true,
      detectIntervalMs: 200,
      group: 'PID_hanging',
    });
    expect(Object.keys(await sendMany(producer, topic, 16)).sort()).toEqual(['broker-a', 'broker-b']);
    process.kill(cluster.b.pid, 'SIGSTOP');
    try {
      expect(await sendMany(producer, topic, 16)).toEqual({ 'broker-a': 16 });
      expect(await sendMany(producer, topic, 16)).toEqual({ 'broker-a': 16 });
    } finally {
      process.kill(cluster.b.pid, 'SIGCONT');
    }
    await waitFor(
      async () => ((await sendMany(producer, topic, 8))['broker-b'] ?? 0) > 0,
      'sends to the broker that is back',
      WAIT_MS,
    );
    await cluster.b.kill9();
    expect(await sendMany(producer, topic, 16)).toEqual({ 'broker-a': 16 });
  });

  async function waitForStored(topic: string, count: number): Promise<number> {
    let last = 0;
    await waitFor(
      async () => (last = await storedCount(cluster.namesrvAddr, topic)) >= count,
      `${count} messages of ${topic}`,
      WAIT_MS,
    );
    return last;
  }
});
