import { MQAdmin, silentLogger } from '@rocknest/client-core';
import { startCluster } from '@rocknest/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/rocknest-process.js';
import { Clients, uniqueName } from './support/clients.js';

const COUNT = 300;
const LONG_TIMEOUT_MS = 50_000;
const MAX_PENDING = 200;
const KIB = 1_024;

describe('a producer and brokers in trouble', () => {
  const cleanups: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) await cleanup();
  });

  it('gets every message stored once by a broker that answers SYSTEM_BUSY to many of the sends', async () => {
    const cluster = await startCluster({ broker: { flushDiskType: 'SYNC_FLUSH', sendThreadPoolQueueCapacity: 1 } });
    cleanups.push(() => cluster.stop());
    const clients = new Clients(cluster.namesrvAddr);
    cleanups.push(() => clients.shutdown());
    const admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
    await admin.start();
    cleanups.push(() => admin.shutdown());
    const topic = uniqueName('topic');
    await admin.createTopic(topic, { writeQueueNums: 2 });
    const stored = async (): Promise<number> => {
      const stats = await admin.examineTopicStats(topic);
      return stats.reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0);
    };

    const impatient = await clients.producer({ retryTimesWhenSendFailed: 0 });
    const once = await Promise.allSettled(Array.from({ length: COUNT }, () => impatient.send({ topic, body: 'once' })));
    const refused = once.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(refused.length, 'sends that the broker refused').toBeGreaterThan(0);
    for (const error of refused)
      expect(error).toMatchObject({ code: 'BROKER_ERROR', responseCode: 2, retriable: true });
    expect(await stored()).toBe(COUNT - refused.length);

    const patient = await clients.producer({ sendMsgTimeoutMs: LONG_TIMEOUT_MS });
    await Promise.all(Array.from({ length: COUNT }, () => patient.send({ topic, body: 'patient' })));
    expect(await stored()).toBe(2 * COUNT - refused.length);
  });

  it('never holds more than its limits while a broker does not answer, and goes on when it does', async () => {
    const broker = await BrokerProcess.create();
    cleanups.push(() => broker.remove());
    await broker.start();
    const clients = new Clients(broker.namesrvAddr);
    cleanups.push(() => clients.shutdown());
    const topic = uniqueName('topic');
    const limits = {
      maxInFlightSends: 20,
      maxPendingSends: MAX_PENDING,
      maxPendingSendBytes: 1_000 * KIB,
      compressMsgBodyOverBytes: KIB * KIB,
    };
    const small = await clients.producer({ ...limits, sendMsgTimeoutMs: 2_000 });
    await small.send({ topic, body: 'first' });

    process.kill(broker.pid, 'SIGSTOP');
    try {
      const codes = new Map<string, number>();
      let ends = 0;
      const sendMany = (count: number, sizeBytes: number): Promise<void> =>
        new Promise((resolve) => {
          const begun = ends;
          for (let i = 0; i < count; i++) {
            small.sendAsync(
              { topic, body: Buffer.alloc(sizeBytes, 1) },
              {
                onSuccess: () => expect.unreachable('a stopped broker stores nothing'),
                onException: (error) => {
                  const code = 'code' in error ? String(error.code) : error.message;
                  codes.set(code, (codes.get(code) ?? 0) + 1);
                  if (++ends === begun + count) resolve();
                },
              },
            );
            expect(small.pendingSends).toBeLessThanOrEqual(MAX_PENDING);
          }
        });
      await sendMany(5_000, KIB);
      expect(Object.fromEntries(codes)).toEqual({ TOO_MANY_PENDING_SENDS: 5_000 - MAX_PENDING, TIMEOUT: MAX_PENDING });
      expect(small.pendingSends).toBe(0);
      codes.clear();
      // Now the bytes are what fills up: 100 messages of 10 KiB.
      await sendMany(500, 10 * KIB);
      expect(Object.fromEntries(codes)).toEqual({ TOO_MANY_PENDING_SENDS: 400, TIMEOUT: 100 });
    } finally {
      process.kill(broker.pid, 'SIGCONT');
    }
    await small.send({ topic, body: 'last' }, { timeoutMs: LONG_TIMEOUT_MS });
    expect(small.pendingSends).toBe(0);
  });
});
