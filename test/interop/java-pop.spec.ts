import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRocknestCluster, type RocknestCluster } from '../support/rocknest-process.js';
import { expectComplete, JavaConsumerGroup } from './support/consumer-group.js';
import { JavaClient } from './support/java-client.js';
import { type OfficialCluster, startOfficialCluster } from './support/official-cluster.js';
import { requireToolchain } from './support/toolchain.js';

const MESSAGES = 10_000;
const QUEUES = 8;

describe('the official Java client 5.4.0 pops from our broker (item 11: POP)', () => {
  let cluster: RocknestCluster;
  let client: JavaClient;

  beforeAll(async () => {
    requireToolchain();
    cluster = await startRocknestCluster();
    client = new JavaClient('5.4.0', cluster.namesrvAddr);
  });

  afterAll(async () => {
    await client?.stop();
    await cluster?.stop();
  });

  it('is answered as by the official broker, call by call', async () => {
    let official: OfficialCluster | undefined;
    try {
      official = await startOfficialCluster();
      const other = new JavaClient('5.4.0', official.namesrvAddr);
      const [theirs, ours] = [await steps(other, official.brokerAddr), await steps(client, cluster.broker.brokerAddr)];
      await other.stop();
      expect(ours).toEqual(theirs);
      expect(ours.length).toBeGreaterThan(25);
    } finally {
      await official?.stop();
    }
  });

  async function steps(java: JavaClient, broker: string): Promise<unknown[]> {
    await java.run('create-topic', { topic: 'pop-calls', queues: 1 });
    await java.run('pop-mode', { topic: 'pop-calls', group: 'GID_pop_calls', broker });
    const done = await java.run('pop-calls', { topic: 'pop-calls', group: 'GID_pop_calls', broker });
    return done.steps as unknown[];
  }

  it.each([
    ['pop every queue', 'shared', -1],
    ['pop their own queues and those of the next member', 'neighbours', 1],
  ])(`push consumers that ${'%s'} receive each of ${MESSAGES} messages unchanged`, async (_, name, share) => {
    const topic = `pop-${name}`;
    const group = `GID_pop_${name}`;
    await client.run('create-topic', { topic, queues: QUEUES });
    await client.run('pop-mode', { topic, group, broker: cluster.broker.brokerAddr, share });
    const members = JavaConsumerGroup.start(client, [3], { topic, group, seed: name, 'broker-rebalance': true });
    await client.run('produce', { topic, seed: name, count: MESSAGES, mode: 'async' });
    await members.waitForMessages(MESSAGES);
    const result = await members.finish(MESSAGES);
    expectComplete(result, MESSAGES);
    expect(result.duplicates, 'nothing came twice').toBe(0);
    expect(result.perMember.every((count) => count > 0)).toBe(true);
  });

  it('push consumers that leave their queues to the broker pull them', async () => {
    await client.run('create-topic', { topic: 'broker-shares', queues: QUEUES });
    const options = { topic: 'broker-shares', group: 'GID_broker_shares', seed: 'shares', 'broker-rebalance': true };
    const members = JavaConsumerGroup.start(client, [2], options);
    await members.waitUntilBalanced(QUEUES);
    await client.run('produce', { topic: 'broker-shares', seed: 'shares', count: MESSAGES, mode: 'async' });
    await members.waitForMessages(MESSAGES);
    expectComplete(await members.finish(MESSAGES), MESSAGES);
  });
});
