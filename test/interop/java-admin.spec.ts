import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JavaClient, type HarnessEvent } from './support/java-client.js';
import { requireToolchain } from './support/toolchain.js';
import { startTarget, type Target } from './support/target.js';

/** What the Java client makes of QUERY_NOT_FOUND. */
const NO_MESSAGE = 208;

let target: Target;

beforeAll(async () => {
  requireToolchain();
  target = await startTarget();
});

afterAll(async () => {
  await target?.stop();
});

function valuesOf(events: readonly HarnessEvent[]): Record<string, unknown> {
  const operations = events.filter((event) => event.event === 'operation');
  return Object.fromEntries(
    operations.map((event) => [
      event.name as string,
      event.ok === true ? event.value : `failed: ${String(event.error)}`,
    ]),
  );
}

describe.each(['4.9.8', '5.4.0'])('the official admin tool %s', (version) => {
  let client: JavaClient;

  beforeAll(() => {
    client = new JavaClient(version, target.namesrvAddr);
  });

  afterAll(async () => {
    await client?.stop();
  });

  it('gets its answers about a cluster, a topic and a group that is online', async () => {
    const topic = `admin-${version.replaceAll('.', '_')}`;
    const group = `GID_${topic}`;
    await client.run('create-topic', { topic, queues: 4 });
    const consumer = client.start('consume', { topic, group, seed: 'admin' });
    await consumer.waitFor(
      (event) => event.event === 'progress' && (event.assigned as number[])[0] === 4,
      'the consumer to own four queues',
    );
    await client.run('produce', { topic, seed: 'admin', count: 40, mode: 'sync' });
    await consumer.waitFor((event) => event.event === 'progress' && event.distinct === 40, '40 messages');
    const check = client.start('admin-check', { topic, group });
    await check.result();
    expect(valuesOf(check.events)).toMatchObject({
      examineTopicRouteInfo: '4 true',
      fetchBrokerRuntimeStats: true,
      ...(version.startsWith('4.') ? {} : { getBrokerHAStatus: true }),
      fetchAllTopicList: true,
      fetchTopicsByCLuster: true,
      getTopicClusterList: true,
      wipeWritePermOfBroker: true,
      writePermAfterWipe: 4,
      addWritePermOfBroker: true,
      writePermAfterAdd: 6,
      send: 'SEND_OK',
      viewMessage: null,
      viewMessageByUniqueId: null,
      queryMessage: 'each key',
      queryMessageOutOfTime: NO_MESSAGE,
      queryMessageUnknownKey: NO_MESSAGE,
      maxOffset: 1,
      minOffset: 0,
      searchOffset: 0,
      searchOffsetAfter: 1,
      earliestMsgStoreTime: true,
      examineTopicStats: 41,
      createAndUpdateTopicConfig: '3 5 6',
      examineTopicConfig: '3 5 6',
      getAllTopicGroup: true,
      examineConsumerConnectionInfo: {
        connections: 1,
        messageModel: 'CLUSTERING',
        consumeType: 'CONSUME_PASSIVELY',
        topics: [`%RETRY%${group}`, topic],
      },
      examineProducerConnectionInfo: 1,
      queryTopicConsumeByWho: true,
      createAndUpdateSubscriptionGroupConfig: 9,
      getAllSubscriptionGroup: true,
      getNameServerConfig: 1,
      createAndUpdateKvConfig: 'value=1',
      getKVListByNamespace: 'value=1',
      deleteKvConfig: 'gone',
      deleteTopic: 'gone',
    });
    await consumer.finish();
  });
});
