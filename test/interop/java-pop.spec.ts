import { MQAdmin, Producer, PushConsumer, silentLogger } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRocknestCluster, type RocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { expectComplete, JavaConsumerGroup } from './support/consumer-group.js';
import { expectedMessage } from './support/expected-message.js';
import { JavaClient } from './support/java-client.js';
import { Ledger } from './support/ledger.js';
import { startOfficialCluster } from './support/official-cluster.js';
import { requireToolchain } from './support/toolchain.js';

const MESSAGES = 10_000;
const IN_FLIGHT = 200;
const QUEUES = 8;
const WAIT_MS = 120_000;

describe('the official Java client 5.4.0 pops from our broker (item 11: POP)', () => {
  let cluster: RocknestCluster;
  let client: JavaClient;
  let admin: MQAdmin;
  let producer: Producer;

  beforeAll(async () => {
    requireToolchain();
    cluster = await startRocknestCluster();
    const { namesrvAddr } = cluster;
    client = new JavaClient('5.4.0', namesrvAddr);
    admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
    producer = new Producer({ namesrvAddr, group: 'PID_pop', logger: silentLogger, sendMsgTimeoutMs: 30_000 });
    await Promise.all([admin.start(), producer.start()]);
  });

  afterAll(async () => {
    await client?.stop();
    await producer?.shutdown();
    await admin?.shutdown();
    await cluster?.stop();
  });

  async function createTopic(topic: string): Promise<void> {
    await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
  }

  /**
   * Waits until the members of the group pop that many queues each. A Java member that is told to stop popping a queue drops what came of it, handled
   * or not: those messages come again when their time is over. All queues of a broker together count as one.
   */
  async function waitForShares(topic: string, group: string, expected: readonly number[]): Promise<void> {
    const shares = async (): Promise<string> => {
      const members = (await admin.examineConsumerConnection(group))?.connectionSet ?? [];
      const infos = await Promise.all(members.map(({ clientId }) => admin.getConsumerRunningInfo(group, clientId)));
      const ofTopic = infos.map(({ mqPopTable }) => mqPopTable?.filter(({ queue }) => queue.topic === topic).length);
      return ofTopic.sort().join();
    };
    await waitFor(async () => (await shares()) === expected.join(), `shares of ${group}`, WAIT_MS);
  }

  /** Numbers 0 to `MESSAGES` - 1, as every receiver expects them of this seed. */
  async function send(topic: string): Promise<void> {
    for (let first = 0; first < MESSAGES; first += IN_FLIGHT) {
      await Promise.all(
        Array.from({ length: IN_FLIGHT }, (_, at) => {
          const { tags, keys, flag, body, properties } = expectedMessage(topic, first + at);
          return producer.send({ topic, tags, keys, flag, body, properties });
        }),
      );
    }
  }

  it.concurrent('is answered as by the official broker, call by call', async () => {
    const official = await startOfficialCluster();
    const other = new JavaClient('5.4.0', official.namesrvAddr);
    try {
      const [theirs, ours] = await Promise.all([
        steps(other, official.brokerAddr),
        steps(client, cluster.broker.brokerAddr),
      ]);
      expect(ours).toEqual(theirs);
      expect(ours.length).toBeGreaterThan(25);
    } finally {
      await other.stop();
      await official.stop();
    }
  });

  async function steps(java: JavaClient, broker: string): Promise<unknown[]> {
    await java.run('create-topic', { topic: 'pop-calls', queues: 1 });
    const done = await java.run('pop-calls', { topic: 'pop-calls', group: 'GID_pop_calls', broker });
    return done.steps as unknown[];
  }

  it.concurrent.each([
    ['pop every queue', 'pop-shared', -1, [1, 1, 1]],
    ['pop their own queues and those of the next member', 'pop-neighbours', 1, [5, 5, 6]],
  ])(`push consumers that ${'%s'} receive each of ${MESSAGES} messages unchanged`, async (_, topic, share, shares) => {
    const group = `GID_${topic}`;
    await createTopic(topic);
    const members = JavaConsumerGroup.start(client, [3], { topic, group, seed: topic, 'broker-rebalance': true });
    // Told to pop before they have found each other, they would take queues that they then give up, with pops under way.
    await members.waitUntilBalanced(QUEUES);
    await admin.setMessageRequestMode(topic, group, 'POP', { popShareQueueNum: share });
    await waitForShares(topic, group, shares);
    await send(topic);
    await members.waitForMessages(MESSAGES);
    const result = await members.finish(MESSAGES);
    expectComplete(result, MESSAGES);
    expect(result.duplicates, 'nothing came twice').toBe(0);
    expect(result.perMember.every((count) => count > 0)).toBe(true);
  });

  it.concurrent('push consumers that leave their queues to the broker pull them', async () => {
    const topic = 'broker-shares';
    await createTopic(topic);
    const options = { topic, group: 'GID_broker_shares', seed: topic, 'broker-rebalance': true };
    const members = JavaConsumerGroup.start(client, [2], options);
    await members.waitUntilBalanced(QUEUES);
    await send(topic);
    await members.waitForMessages(MESSAGES);
    expectComplete(await members.finish(MESSAGES), MESSAGES);
  });

  it.concurrent(
    'a Java and one of our members pop in one group: none is lost, and each message comes once',
    async () => {
      const topic = 'pop-mixed';
      const group = `GID_${topic}`;
      await createTopic(topic);
      await admin.setMessageRequestMode(topic, group, 'POP');
      const java = JavaConsumerGroup.start(client, [1], { topic, group, seed: topic, 'broker-rebalance': true });
      const ledger = new Ledger(topic);
      const ours = new PushConsumer({
        namesrvAddr: cluster.namesrvAddr,
        group,
        mode: 'pop',
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        logger: silentLogger,
      });
      ours.subscribe(topic);
      ours.registerMessageListener((messages) => {
        for (const message of messages) ledger.add(message);
        return 'CONSUME_SUCCESS';
      });
      try {
        await ours.start();
        await java.waitUntilStarted();
        await waitForShares(topic, group, [1, 1]);
        await send(topic);
        await waitFor(() => java.received() + ledger.deliveries >= MESSAGES, 'every message', WAIT_MS);
      } finally {
        await ours.shutdown();
      }
      const result = await java.finish(MESSAGES);
      expect({ differences: result.differences, foreign: result.foreign }).toEqual({ differences: [], foreign: 0 });
      ledger.expectUnchanged();
      expect([result.duplicates, ledger.duplicates], 'nothing came twice').toEqual([0, 0]);
      const owners = Array.from({ length: MESSAGES }, (_, n) => Number(result.has(n)) + Number(ledger.has(n)));
      expect(
        owners.findIndex((count) => count !== 1),
        'a message that not exactly one of the two got',
      ).toBe(-1);
      expect(Math.min(result.distinct, ledger.distinct)).toBeGreaterThan(0);
    },
  );
});
