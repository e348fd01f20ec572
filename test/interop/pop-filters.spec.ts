import { MessageSelector, MQAdmin, Producer, PushConsumer, silentLogger } from '@rocknest/client-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { JavaConsumerGroup } from './support/consumer-group.js';
import { expectedMessage } from './support/expected-message.js';
import { JavaClient } from './support/java-client.js';
import { Ledger } from './support/ledger.js';
import { startOfficialCluster } from './support/official-cluster.js';
import { requireToolchain } from './support/toolchain.js';

const QUEUES = 4;
const MESSAGES = 2_000;
const IN_FLIGHT = 200;
const WAIT_MS = 120_000;
/** By the properties `index` and `seed`, and by the tag, which is `Tag` and the index modulo 5. */
const SQL = "index BETWEEN 500 AND 699 OR (index >= 1900 AND TAGS IN ('Tag1', 'Tag3')) OR seed IS NULL OR index < 10";
const passes = (n: number): boolean => (n >= 500 && n <= 699) || (n >= 1_900 && (n % 5 === 1 || n % 5 === 3)) || n < 10;
const WANTED = Array.from({ length: MESSAGES }, (_, n) => n).filter(passes);

const cleanUps: (() => Promise<unknown>)[] = [];

beforeAll(() => {
  requireToolchain();
});

afterEach(async () => {
  for (let clean = cleanUps.pop(); clean !== undefined; clean = cleanUps.pop()) await clean();
});

/** A topic with all the messages, and two groups that pop it. */
async function prepare(namesrvAddr: string, topic: string, groups: readonly string[]): Promise<void> {
  const admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  const producer = new Producer({ namesrvAddr, group: 'PID_filtered', logger: silentLogger, sendMsgTimeoutMs: 30_000 });
  await Promise.all([admin.start(), producer.start()]);
  cleanUps.push(
    () => admin.shutdown(),
    () => producer.shutdown(),
  );
  await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
  for (const group of groups) await admin.setMessageRequestMode(topic, group, 'POP');
  for (let first = 0; first < MESSAGES; first += IN_FLIGHT) {
    await Promise.all(
      Array.from({ length: IN_FLIGHT }, (_, at) => {
        const { tags, keys, flag, body, properties } = expectedMessage(topic, first + at);
        return producer.send({ topic, tags, keys, flag, body, properties });
      }),
    );
  }
}

/** Our member of a group. */
async function joinOurs(namesrvAddr: string, topic: string, group: string): Promise<Ledger> {
  const ledger = new Ledger(topic);
  const consumer = new PushConsumer({
    namesrvAddr,
    group,
    mode: 'pop',
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    logger: silentLogger,
  });
  consumer.subscribe(topic, MessageSelector.bySql(SQL));
  consumer.registerMessageListener((messages) => {
    for (const message of messages) ledger.add(message);
    return 'CONSUME_SUCCESS';
  });
  cleanUps.push(() => consumer.shutdown());
  await consumer.start();
  return ledger;
}

/** What passes came, and nothing else, as it was sent. */
function expectWanted(ledger: Ledger): void {
  ledger.expectUnchanged();
  expect(Array.from({ length: MESSAGES }, (_, n) => n).filter((n) => ledger.has(n))).toEqual(WANTED);
}

describe('popped messages that an SQL92 expression lets through (item 11: POP; item 7: filters)', () => {
  it('come to the official Java client 5.4.0 and to ours from our broker', async () => {
    const cluster = await startRocknestCluster();
    cleanUps.push(() => cluster.stop());
    const { namesrvAddr } = cluster;
    const client = new JavaClient('5.4.0', namesrvAddr);
    cleanUps.push(() => client.stop());
    const topic = 'pop-sql';
    const group = 'GID_pop_sql_java';
    const java = JavaConsumerGroup.start(client, [2], {
      topic,
      group,
      seed: topic,
      sql: SQL,
      'broker-rebalance': true,
    });
    await prepare(namesrvAddr, topic, [group, 'GID_pop_sql']);
    const ledger = await joinOurs(namesrvAddr, topic, 'GID_pop_sql');
    await waitFor(() => ledger.distinct >= WANTED.length, 'all that passes', WAIT_MS);
    expectWanted(ledger);
    await java.waitForMessages(WANTED.length);
    const result = await java.finish(MESSAGES);
    expect(Array.from({ length: MESSAGES }, (_, n) => n).filter((n) => result.has(n))).toEqual(WANTED);
    expect({ differences: result.differences, foreign: result.foreign }).toEqual({ differences: [], foreign: 0 });
  });

  it('come to our client from the official broker 5.4.0', async () => {
    const cluster = await startOfficialCluster({ brokerConfig: { enablePropertyFilter: true } });
    cleanUps.push(() => cluster.stop());
    const topic = 'pop-sql';
    await prepare(cluster.namesrvAddr, topic, ['GID_pop_sql']);
    const ledger = await joinOurs(cluster.namesrvAddr, topic, 'GID_pop_sql');
    await waitFor(() => ledger.distinct >= WANTED.length, 'all that passes', WAIT_MS);
    expectWanted(ledger);
  });
});
