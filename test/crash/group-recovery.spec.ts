import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, Producer, silentLogger } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkOrderly } from '../support/handling-checker.js';
import type { Handling } from '../support/handling-log.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { buildProgram } from '../support/build-program.js';
import { ChurnedGroup } from './support/churn/churned-group.js';

const QUEUES = 8;
const OF_QUEUE = 400;
const BATCH = 50;
/** RocketMQ's times: a lock is renewed each 20 s, relied on for 30 s, and kept by the broker for 60 s. */
const LOCK_INTERVAL_MS = 20_000;
const LOCK_MAX_LIVE_MS = 30_000;
const WAIT_MS = 150_000;
const NS_PER_MS = 1_000_000;

const distinct = (handlings: readonly Handling[]): number =>
  new Set(handlings.filter(({ ok }) => ok).map(({ queueId, number }) => `${queueId} ${number}`)).size;

describe.concurrent('what groups do when a member or the broker goes without a word, with the usual lock times', () => {
  let folder: string;
  let program: string;
  const brokers: BrokerProcess[] = [];
  const groups: ChurnedGroup[] = [];
  const closers: (() => Promise<void>)[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rocknest-recovery-'));
    program = buildProgram('test/crash/support/churn/member.ts', folder);
  });

  afterAll(async () => {
    await Promise.all(groups.map((group) => group.endAll()));
    for (const close of closers) await close();
    await Promise.all(brokers.map((broker) => broker.remove()));
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** A broker of its own, a topic, and a group that has no members yet. */
  async function prepare(name: string, orderly: boolean) {
    const broker = await BrokerProcess.create();
    brokers.push(broker);
    await broker.start();
    const { namesrvAddr } = broker;
    const admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
    const producer = new Producer({ namesrvAddr, group: 'recovery', logger: silentLogger });
    closers.push(
      () => admin.shutdown(),
      () => producer.shutdown(),
    );
    await Promise.all([admin.start(), producer.start()]);
    const topic = `topic-${name}`;
    await admin.createTopic(topic, { writeQueueNums: QUEUES, readQueueNums: QUEUES });
    const logs = join(folder, name);
    mkdirSync(logs);
    const locks = { lockMaxLiveMs: LOCK_MAX_LIVE_MS, lockIntervalMs: LOCK_INTERVAL_MS };
    const group = new ChurnedGroup({ namesrvAddr, topic, group: name, orderly, ...locks, program, folder: logs });
    groups.push(group);
    const send = async (first: number, end: number): Promise<void> => {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        const queue = { topic, brokerName: 'broker-a', queueId };
        for (let from = first; from < end; from += BATCH) {
          const batch = Array.from({ length: Math.min(BATCH, end - from) }, (_, at) => ({
            topic,
            body: String(from + at),
          }));
          await producer.send(batch, { queue });
        }
      }
    };
    const handled = (count: number): Promise<unknown> =>
      waitFor(
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 100));
          return distinct(group.handlings()) >= count;
        },
        `${count} messages handled by ${name}`,
        WAIT_MS,
      );
    const joined = async (count: number): Promise<void> => {
      await waitFor(() => group.joinedCount === count, `${count} members`, 60_000);
    };
    return { broker, group, send, handled, joined };
  }

  it('a member that is killed: its queues rest until its locks have run out, then another member goes on in order', async () => {
    const { group, send, handled, joined } = await prepare('killed-member', true);
    const [first] = [group.join(), group.join()];
    await joined(2);
    await send(0, OF_QUEUE);
    await handled(QUEUES * OF_QUEUE);
    const owned = new Set(
      group
        .handlings()
        .filter(({ member }) => member === first)
        .map(({ queueId }) => queueId),
    );
    expect(owned.size).toBeGreaterThan(0);
    await group.end(first, 'SIGKILL');
    const diedNs = group.diedNs.get(first)!;
    await send(OF_QUEUE, 2 * OF_QUEUE);
    await handled(2 * QUEUES * OF_QUEUE);
    const handlings = group.handlings();
    expect(checkOrderly(handlings, group.diedNs, QUEUES, 2 * OF_QUEUE)).toMatchObject({
      lost: 0,
      overlaps: 0,
      disordered: 0,
      examples: [],
    });
    // The broker keeps a lock for 60 s after its last renewal, and the member relied on it for 30 s at most: nobody had the queue for the other 30.
    const taken = handlings.filter(
      ({ member, queueId, beginNs }) => member !== first && owned.has(queueId) && beginNs > diedNs,
    );
    const restMs = (Math.min(...taken.map(({ beginNs }) => beginNs)) - diedNs) / NS_PER_MS;
    console.log(`queues of the killed member rested for ${(restMs / 1_000).toFixed(1)} s`);
    expect(restMs).toBeGreaterThan(LOCK_MAX_LIVE_MS);
    expect(group.troubles).toEqual([]);
  });

  it('a broker that is killed and comes back: the members go on in order, and nothing is lost', async () => {
    const { broker, group, send, handled, joined } = await prepare('killed-broker', true);
    for (let i = 0; i < 3; i++) group.join();
    await joined(3);
    await send(0, OF_QUEUE);
    for (const count of [OF_QUEUE / 2, OF_QUEUE * 2]) {
      await handled(count);
      await broker.kill9();
      await broker.start();
    }
    await handled(QUEUES * OF_QUEUE);
    await send(OF_QUEUE, 2 * OF_QUEUE);
    await handled(2 * QUEUES * OF_QUEUE);
    expect(checkOrderly(group.handlings(), group.diedNs, QUEUES, 2 * OF_QUEUE)).toMatchObject({
      lost: 0,
      overlaps: 0,
      disordered: 0,
      examples: [],
    });
    expect(group.troubles).toEqual([]);
  });

  it('SIGTERM to a member with a handler that outlasts its time: it leaves, and only that message comes again', async () => {
    const { group, send, handled, joined } = await prepare('slow-handler', false);
    // The last message of each queue: behind it, nothing else of its queue is uncommitted.
    const last = OF_QUEUE - 1;
    const slow = group.join({ hangOn: last, shutdownTimeoutMs: 500 });
    await joined(1);
    await send(0, OF_QUEUE);
    await handled(QUEUES * (OF_QUEUE - 1));
    await waitFor(() => group.handlings().length === QUEUES * OF_QUEUE, 'the handlers that hang', WAIT_MS);
    await group.end(slow, 'SIGTERM');
    const second = group.join();
    await handled(QUEUES * OF_QUEUE);
    await send(OF_QUEUE, OF_QUEUE + 1);
    await handled(QUEUES * (OF_QUEUE + 1));
    const again = group.handlings().filter(({ member }) => member === second);
    expect(again.map(({ number }) => number).sort((a, b) => a - b)).toEqual([
      ...Array.from({ length: QUEUES }, () => last),
      ...Array.from({ length: QUEUES }, () => OF_QUEUE),
    ]);
    expect(group.troubles).toEqual([]);
  });
});
