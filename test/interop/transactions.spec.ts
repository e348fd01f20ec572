import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  LocalTransactionState,
  MQAdmin,
  type MessageExt,
  Producer,
  PushConsumer,
  silentLogger,
  type TransactionListener,
} from '@rocknest/client-core';
import { RocketMQProducer } from '@rocknest/client';
import { TRANS_CHECK_MAX_TIME_TOPIC } from '@rocknest/protocol';
import type { EntityManager } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { openOrderDatabase, orderIds, orderSchema } from '../support/order-database.js';
import { type RocknestCluster, startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { type HarnessProcess, JavaClient } from './support/java-client.js';
import { type OfficialCluster, startOfficialCluster } from './support/official-cluster.js';
import { requireToolchain } from './support/toolchain.js';
import { COMMITTED, EARLY_CHECKS, FATES, NEVER_KNOWN, OF_EACH_FATE, wrongChecks } from './support/transaction-fates.js';

const ARRIVAL_TIMEOUT_MS = 40_000;

/** Bodies of what a broker has set aside. */
async function setAside(brokerAddr: string, topic: string): Promise<string[]> {
  const client = new BrokerClient(brokerAddr);
  try {
    const texts: string[] = [];
    for (let offset = 0; ;) {
      const { messages } = await client.pull('auditors', TRANS_CHECK_MAX_TIME_TOPIC, offset, { subscription: '*' });
      if (messages.length === 0) return texts.sort();
      offset = messages[messages.length - 1].queueOffset + 1;
      const own = messages.filter(({ properties }) => properties.REAL_TOPIC === topic);
      texts.push(...own.map(({ body }) => body.toString()));
    }
  } finally {
    await client.close();
  }
}

async function createTopic(namesrvAddr: string, topic: string): Promise<void> {
  const admin = new MQAdmin({ namesrvAddr });
  await admin.start();
  await admin.createTopic(topic, { readQueueNums: 4, writeQueueNums: 4 });
  await admin.shutdown();
}

describe.each(['5.4.0', '4.9.8'])(
  'the official Java TransactionMQProducer %s on our broker (item 4: transactions)',
  (version) => {
    let cluster: RocknestCluster;
    let client: JavaClient;

    beforeAll(async () => {
      requireToolchain();
      cluster = await startRocknestCluster(EARLY_CHECKS);
      client = new JavaClient(version, cluster.namesrvAddr);
    });
    afterAll(async () => {
      await client?.stop();
      await cluster?.stop();
    });

    it('commits, rolls back, answers checks, and is asked 15 times at the most', async () => {
      const topic = 'java-transactions';
      await createTopic(cluster.namesrvAddr, topic);
      const options = { topic, group: 'PID_tx', fates: FATES.join(','), count: OF_EACH_FATE };
      const producer = client.start('transactions', options);
      await producer.waitFor(({ event }) => event === 'sent', 'the sends');
      await waitFor(
        async () => (await setAside(cluster.broker.brokerAddr, topic)).length >= OF_EACH_FATE,
        'those set aside',
        ARRIVAL_TIMEOUT_MS,
      );
      await waitFor(() => textsOf(producer, 'consumed').length >= COMMITTED.length, 'the messages', ARRIVAL_TIMEOUT_MS);
      const done = await producer.finish();
      expect(done.differences).toEqual([]);
      expect(wrongChecks(done.checks as Record<string, number>)).toEqual([]);
      expect(done.consumed).toEqual(Object.fromEntries(COMMITTED.map((text) => [text, 1])));
      expect(await setAside(cluster.broker.brokerAddr, topic)).toEqual(NEVER_KNOWN);
    });

    it('answers for a producer of its group that was killed', async () => {
      const topic = 'java-survivor';
      await createTopic(cluster.namesrvAddr, topic);
      const options = { topic, group: 'PID_survivor', count: OF_EACH_FATE };
      const survivor = client.start('transactions', { ...options, send: false });
      await survivor.waitFor(({ event }) => event === 'sent', 'the start');
      const victim = client.start('transactions', { ...options, fates: 'unknown_commit,unknown_rollback' });
      await victim.waitFor(({ event }) => event === 'sent', 'the sends');
      process.kill(victim.pid, 'SIGKILL');
      const committed = COMMITTED.filter((text) => text.startsWith('unknown_commit-'));
      await waitFor(
        () => {
          const seen = new Set([...textsOf(victim, 'consumed'), ...textsOf(survivor, 'consumed')]);
          const asked = new Set([...textsOf(victim, 'check'), ...textsOf(survivor, 'check')]);
          return seen.size >= committed.length && asked.size === 2 * OF_EACH_FATE;
        },
        'answers about all of them',
        ARRIVAL_TIMEOUT_MS,
      );
      const done = await survivor.finish();
      expect(done.differences).toEqual([]);
      const all = new Set([...textsOf(victim, 'consumed'), ...textsOf(survivor, 'consumed')]);
      expect([...all].sort()).toEqual(committed);
      expect(textsOf(survivor, 'check').length).toBeGreaterThan(0);
    });
  },
);

const textsOf = (harness: HarnessProcess, name: string): string[] =>
  harness.events.filter(({ event }) => event === name).map(({ text }) => String(text));

describe('our clients on the official broker 5.4.0 (item 4: transactions)', () => {
  let cluster: OfficialCluster;
  let consumers: PushConsumer[] = [];

  beforeAll(async () => {
    // It asks about transactions whose end it has not noted yet.
    cluster = await startOfficialCluster({ brokerConfig: { ...EARLY_CHECKS, transactionOpBatchInterval: 50 } });
  });
  afterAll(async () => {
    await Promise.all(consumers.map((consumer) => consumer.shutdown()));
    consumers = [];
    await cluster?.stop();
  });

  async function consume(topic: string): Promise<MessageExt[]> {
    const received: MessageExt[] = [];
    const consumer = new PushConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group: `GID_${topic}`,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    });
    consumer.subscribe(topic);
    consumer.registerMessageListener((messages) => {
      received.push(...messages);
      return 'CONSUME_SUCCESS';
    });
    consumers.push(consumer);
    await consumer.start();
    return received;
  }
  const distinct = (received: readonly MessageExt[]): string[] => [
    ...new Set(received.map(({ body }) => body.toString())),
  ];

  it('commit, roll back, answer checks, and are asked 15 times at the most', async () => {
    const topic = 'our-transactions';
    await createTopic(cluster.namesrvAddr, topic);
    const received = await consume(topic);
    const fates = new FateListener();
    const producer = new Producer({
      namesrvAddr: cluster.namesrvAddr,
      group: 'PID_our_tx',
      transactionListener: fates,
      sendMsgTimeoutMs: 30_000,
      logger: silentLogger,
    });
    await producer.start();
    try {
      for (const fate of FATES) {
        await Promise.all(
          Array.from({ length: OF_EACH_FATE }, (_, i) =>
            producer.sendMessageInTransaction({ topic, body: `${fate}-${i}`, tags: 'paid' }, undefined),
          ),
        );
      }
      await waitFor(() => distinct(received).length >= COMMITTED.length, 'the messages', ARRIVAL_TIMEOUT_MS);
      await waitFor(
        async () => (await setAside(cluster.brokerAddr, topic)).length >= OF_EACH_FATE,
        'those set aside',
        ARRIVAL_TIMEOUT_MS,
      );
    } finally {
      await producer.shutdown();
    }
    expect(distinct(received).sort()).toEqual(COMMITTED);
    expect(await setAside(cluster.brokerAddr, topic)).toEqual(NEVER_KNOWN);
    expect(wrongChecks(fates.checks)).toEqual([]);
    expect(received.every(({ msgId }) => fates.ids.has(msgId))).toBe(true);
  });

  it("Nest's inTransaction sends what the database commits, and another instance settles what a dead one left", async () => {
    const topic = 'nest-transactions';
    await createTopic(cluster.namesrvAddr, topic);
    const received = await consume(topic);
    const folder = mkdtempSync(join(tmpdir(), 'rocknest-interop-orders-'));
    const database = await openOrderDatabase(join(folder, 'orders.db'));
    const { namesrvAddr } = cluster;
    const producer = new RocketMQProducer({
      namesrvAddr,
      group: 'PID_nest_tx',
      transactions: { dataSource: database, maxTransactionMs: 2_000 },
    });
    const leftBehind: string[] = [];
    // Leaves transactions behind as one that dies does: those of even numbers are committed in the database, none is ended.
    const victim = new Producer({
      namesrvAddr,
      group: 'PID_nest_tx',
      transactionListener: {
        executeLocalTransaction: async ({ msgId }, id) => {
          if ((id as number) % 2 === 1) {
            leftBehind.push(msgId);
          } else {
            await database.transaction(async (manager) => {
              await manager.insert(orderSchema, { id: id as number });
              await manager.insert('RocknestTransaction', { id: msgId, outcome: 'COMMITTED', createdAt: Date.now() });
            });
          }
          return LocalTransactionState.UNKNOWN;
        },
        checkLocalTransaction: () => LocalTransactionState.UNKNOWN,
      },
    });
    try {
      await Promise.all([producer.start(), victim.start()]);
      for (let id = 100; id < 120; id++) {
        const message = { topic, body: JSON.stringify({ id }), properties: { rocknestTransaction: 'database' } };
        await victim.sendMessageInTransaction(message, id);
      }
      await victim.shutdown();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 60 }, (_, id) =>
          producer.inTransaction({ topic, body: { id } }, async (manager: EntityManager) => {
            await manager.insert(orderSchema, { id });
            if (id % 3 === 2) throw new Error('rolled back');
          }),
        ),
      );
      expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(20);
      await waitFor(
        async () => {
          const rows = await Promise.all(
            leftBehind.map((id) => database.manager.findOneBy('RocknestTransaction', { id, outcome: 'ROLLED_BACK' })),
          );
          return rows.length === 10 && rows.every((row) => row !== null);
        },
        'the end of those that were left behind',
        ARRIVAL_TIMEOUT_MS,
      );
      const ordered = await orderIds(database.manager);
      expect(ordered).toHaveLength(50);
      await waitFor(() => distinct(received).length >= ordered.length, 'the messages', ARRIVAL_TIMEOUT_MS);
      const consumed = distinct(received).map((text) => (JSON.parse(text) as { id: number }).id);
      expect(consumed.sort((a, b) => a - b)).toEqual(ordered);
    } finally {
      await producer.shutdown();
      await victim.shutdown();
      await database.destroy();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** Does what the text of a message says. */
class FateListener implements TransactionListener {
  readonly checks: Record<string, number> = {};
  readonly ids = new Set<string>();

  executeLocalTransaction(message: { body: unknown; msgId: string }): LocalTransactionState {
    this.ids.add(message.msgId);
    return this.stateOf(String(message.body), 0);
  }

  checkLocalTransaction(message: MessageExt): LocalTransactionState {
    const text = message.body.toString();
    this.checks[text] = (this.checks[text] ?? 0) + 1;
    return this.stateOf(text, this.checks[text]);
  }

  private stateOf(text: string, time: number): LocalTransactionState {
    const words = text.slice(0, text.lastIndexOf('-')).split('_');
    const word = words[Math.min(time, words.length - 1)];
    if (word === 'throw') throw new Error('as planned');
    if (word === 'commit') return LocalTransactionState.COMMIT_MESSAGE;
    return word === 'rollback' ? LocalTransactionState.ROLLBACK_MESSAGE : LocalTransactionState.UNKNOWN;
  }
}
