import { MQAdmin, PushConsumer, silentLogger } from '@rocknest/client-core';
import { decodeKVTable, RequestCode } from '@rocknest/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawConnection } from '../support/raw-remoting.js';
import { type RocknestCluster, startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { Lab } from './support/lab.js';
import { type OfficialCluster, startOfficialCluster } from './support/official-cluster.js';
import { requireToolchain } from './support/toolchain.js';

const TOPIC = 'mismatch';
const WAIT_MS = 60_000;

describe('members that subscribe to different things (item 4) are told of by our broker', () => {
  let cluster: RocknestCluster;
  let old: Lab;
  let young: Lab;
  const said: string[] = [];

  beforeAll(async () => {
    requireToolchain();
    cluster = await startRocknestCluster();
    cluster.broker.process.onLine((line) => said.push(line));
    [old, young] = await Promise.all(['4.9.8', '5.4.0'].map((version) => Lab.start(version, cluster.namesrvAddr)));
    const admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr });
    await admin.start();
    await admin.createTopic(TOPIC, { readQueueNums: 4, writeQueueNums: 4 });
    await admin.shutdown();
  });

  afterAll(async () => {
    await Promise.all([old?.stop(), young?.stop()]);
    await cluster?.stop();
  });

  async function figures(): Promise<Record<string, string>> {
    const connection = await RawConnection.open(cluster.broker.brokerAddr);
    try {
      return decodeKVTable((await connection.call(RequestCode.GET_BROKER_RUNTIME_INFO, {})).body).table;
    } finally {
      connection.close();
    }
  }

  const names = async (): Promise<string[]> =>
    ((await figures()).subscriptionMismatchGroupNames ?? '').split(';').filter((name) => name !== '');
  const lines = (group: string): string[] => said.filter((line) => line.includes(`consumer group ${group}:`));

  async function ours(group: string, expression: string): Promise<PushConsumer> {
    const consumer = new PushConsumer({ namesrvAddr: cluster.namesrvAddr, group, logger: silentLogger });
    consumer.subscribe(TOPIC, expression);
    consumer.registerMessageListener(() => 'CONSUME_SUCCESS');
    await consumer.start();
    return consumer;
  }

  const java = (lab: Lab, name: string, group: string, expression: string): Promise<unknown> =>
    lab.ask('push.start', { name, group, topic: TOPIC, expression });

  it('Java members, and Java members beside ours: logged with what differs, counted, and logged again when it is over', async () => {
    const before = Number((await figures()).subscriptionMismatchTotal);
    // The same, said in another order.
    await java(young, 'agreeing', 'GID_agreeing', 'TagA||TagB');
    const agreeing = await ours('GID_agreeing', 'TagB || TagA');

    await java(old, 'old', 'GID_java', 'TagA');
    await java(young, 'young', 'GID_java', 'TagB');
    await java(young, 'all', 'GID_mixed', '*');
    const some = await ours('GID_mixed', 'TagC');
    try {
      await waitFor(async () => (await names()).length === 2, 'both groups to be found', WAIT_MS);
      expect((await names()).sort()).toEqual(['GID_java', 'GID_mixed']);
      expect(await figures()).toMatchObject({
        subscriptionMismatchTotal: String(before + 2),
        subscriptionMismatchGroups: '2',
      });
      await waitFor(() => lines('GID_java').length === 1 && lines('GID_mixed').length === 1, 'a line for each');
      expect(lines('GID_java')[0]).toMatch(/mismatch: (TagA \| TagB|TagB \| TagA)\./);
      expect(lines('GID_mixed')[0]).toMatch(/mismatch: (\* \| TagC|TagC \| \*)\./);
      // Who it is: the ids of the clients.
      expect(lines('GID_mixed')[0]).toContain(some.clientId);
      expect(lines('GID_agreeing')).toEqual([]);
    } finally {
      await some.shutdown();
      await agreeing.shutdown();
    }
    await old.ask('push.shutdown', { name: 'old' });
    await waitFor(async () => (await names()).length === 0, 'the groups to agree', WAIT_MS);
    const over = 'all members subscribe to the same again';
    await waitFor(() => ['GID_java', 'GID_mixed'].every((group) => lines(group).at(-1)!.includes(over)), over);
    expect((await figures()).subscriptionMismatchTotal).toBe(String(before + 2));
  });
});

describe('members that subscribe to different things (item 4) on the official broker, which tells nobody', () => {
  let cluster: OfficialCluster;

  beforeAll(async () => {
    cluster = await startOfficialCluster();
  });

  afterAll(async () => {
    await cluster?.stop();
  });

  it('our consumers of one process are warned of each other, with what differs', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
    const consumers = ['TagA', 'TagB'].map((expression) => {
      const consumer = new PushConsumer({
        namesrvAddr: cluster.namesrvAddr,
        group: 'GID_mismatch',
        instanceName: expression,
        logger,
      });
      consumer.subscribe(TOPIC, expression);
      consumer.registerMessageListener(() => 'CONSUME_SUCCESS');
      return consumer;
    });
    try {
      await consumers[0].start();
      expect(warnings.filter((text) => text.includes('different things'))).toEqual([]);
      await consumers[1].start();
      const found = warnings.filter((text) => text.includes('two consumers of group GID_mismatch'));
      expect(found).toHaveLength(1);
      expect(found[0]).toContain(`${TOPIC}: TagA | TagB`);
    } finally {
      await Promise.all(consumers.map((consumer) => consumer.shutdown()));
    }
  });
});
