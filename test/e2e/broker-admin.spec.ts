import {
  decodeSubscriptionGroupConfig,
  decodeSubscriptionGroupWrapper,
  decodeTopicConfig,
  decodeTopicConfigSerializeWrapper,
  decodeTopicRouteData,
  defaultSubscriptionGroupConfig,
  encodeDeleteSubscriptionGroupRequest,
  encodeDeleteTopicInBrokerRequest,
  encodeGetEarliestMsgStoretimeRequest,
  encodeGetMaxOffsetRequest,
  encodeGetMinOffsetRequest,
  encodeGetRouteInfoByTopicRequest,
  encodeGetSubscriptionGroupConfigRequest,
  encodeGetTopicConfigRequest,
  encodeSearchOffsetByTimestampRequest,
  encodeSubscriptionGroupConfig,
  encodeSubscriptionGroupList,
  encodeTopicConfigList,
  encodeUpdateAndCreateTopicRequest,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type TopicConfig,
  type UpdateAndCreateTopicRequest,
} from '@rocknest/protocol';
import { RemotingClient } from '@rocknest/remoting';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { uniqueName } from '../support/unique-name.js';

let cluster: RunningCluster;
let client: BrokerClient;

beforeAll(async () => {
  cluster = await startCluster();
  client = new BrokerClient(cluster.brokers[0].address);
});

afterAll(async () => {
  await client.close();
  await cluster.stop();
});

function createTopic(topic: string, rest: Partial<UpdateAndCreateTopicRequest> = {}): Promise<RemotingCommand> {
  const fields = encodeUpdateAndCreateTopicRequest({
    topic,
    defaultTopic: 'TBW102',
    readQueueNums: 3,
    writeQueueNums: 2,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: undefined,
    force: false,
    ...rest,
  });
  return client.request(RequestCode.UPDATE_AND_CREATE_TOPIC, fields);
}

async function topicConfig(topic: string): Promise<TopicConfig | number> {
  const response = await client.request(
    RequestCode.GET_TOPIC_CONFIG,
    encodeGetTopicConfigRequest({ topic, lo: false }),
  );
  return response.code === ResponseCode.SUCCESS ? decodeTopicConfig(response.bodyBuffer) : response.code;
}

describe('topics by admin codes', () => {
  it('are created, and known to the namesrv when the answer is there', async () => {
    const topic = uniqueName('topic');
    const created = await createTopic(topic, { attributes: '+message.type=NORMAL' });
    expect(created.code).toBe(ResponseCode.SUCCESS);
    const namesrv = new RemotingClient();
    const query = RemotingCommand.request(
      RequestCode.GET_ROUTEINFO_BY_TOPIC,
      encodeGetRouteInfoByTopicRequest({ topic, acceptStandardJsonOnly: true }),
    );
    const route = decodeTopicRouteData((await namesrv.invoke(cluster.namesrvAddr, query, 5_000)).bodyBuffer);
    await namesrv.close();
    expect(route.queueDatas).toMatchObject([{ readQueueNums: 3, writeQueueNums: 2, perm: 6 }]);
    expect(await topicConfig(topic)).toMatchObject({
      topicName: topic,
      readQueueNums: 3,
      writeQueueNums: 2,
      attributes: { 'message.type': 'NORMAL' },
    });
  });

  it('are changed, and the change counts for the next send', async () => {
    const topic = uniqueName('topic');
    await createTopic(topic);
    expect((await client.send(topic, 'x', { queueId: 3 })).code).toBe(ResponseCode.INVALID_PARAMETER);
    await createTopic(topic, { readQueueNums: 4, writeQueueNums: 4 });
    expect((await client.send(topic, 'x', { queueId: 3 })).code).toBe(ResponseCode.SUCCESS);
  });

  it('can be closed for reading', async () => {
    const topic = uniqueName('topic');
    await createTopic(topic, { perm: 2 });
    const pull = await client.pull('viewer', topic, 0, { subscription: '*' });
    expect(pull.code).toBe(ResponseCode.NO_PERMISSION);
  });

  it('are created several at once, or none when one is wrong', async () => {
    const [a, b] = [uniqueName('topic'), uniqueName('topic')];
    const config = (topicName: string, perm = 6): TopicConfig => ({
      topicName,
      readQueueNums: 1,
      writeQueueNums: 1,
      perm,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
      attributes: { '+message.type': 'FIFO' },
    });
    const put = (configs: TopicConfig[]): Promise<RemotingCommand> =>
      client.request(RequestCode.UPDATE_AND_CREATE_TOPIC_LIST, undefined, encodeTopicConfigList(configs));
    expect((await put([config(a), config(b, 99)])).code).toBe(ResponseCode.INVALID_PARAMETER);
    expect(await topicConfig(a)).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect((await put([config(a), config(b)])).code).toBe(ResponseCode.SUCCESS);
    expect(await topicConfig(b)).toMatchObject({ attributes: { 'message.type': 'FIFO' } });
  });

  it.each([
    ['no spaces', {}],
    ['TBW102', {}],
    ['DefaultCluster', {}],
    ['too_many_queues', { readQueueNums: 1_000_000 }],
    ['odd_attribute', { attributes: '+colour=red' }],
  ])('are refused: %s', async (topic, rest) => {
    expect((await createTopic(topic, rest)).code).toBe(ResponseCode.INVALID_PARAMETER);
  });

  it('are deleted with their messages', async () => {
    const topic = uniqueName('topic');
    await client.send(topic, 'old');
    const remove = (name: string): Promise<RemotingCommand> =>
      client.request(RequestCode.DELETE_TOPIC_IN_BROKER, encodeDeleteTopicInBrokerRequest({ topic: name }));
    expect((await remove(topic)).code).toBe(ResponseCode.SUCCESS);
    expect(await topicConfig(topic)).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect((await client.pull('viewer', topic, 0, { subscription: '*' })).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect((await remove(uniqueName('unknown'))).code).toBe(ResponseCode.SUCCESS);
    expect((await remove('SCHEDULE_TOPIC_XXXX')).code).toBe(ResponseCode.INVALID_PARAMETER);
    const again = await client.send(topic, 'new');
    expect(again.queueOffset).toBe(0);
  });

  it('are listed', async () => {
    const topic = uniqueName('topic');
    await createTopic(topic);
    const response = await client.request(RequestCode.GET_ALL_TOPIC_CONFIG);
    const { topicConfigTable, dataVersion } = decodeTopicConfigSerializeWrapper(response.bodyBuffer);
    expect(Object.keys(topicConfigTable)).toEqual(
      expect.arrayContaining([topic, 'TBW102', 'SCHEDULE_TOPIC_XXXX', 'DefaultCluster', 'broker-a', 'BenchmarkTest']),
    );
    expect(dataVersion.counter).toBeGreaterThan(0);
  });
});

describe('subscription groups by admin codes', () => {
  const group = async (name: string): Promise<unknown> => {
    const fields = encodeGetSubscriptionGroupConfigRequest({ group: name });
    const response = await client.request(RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG, fields);
    return response.code === ResponseCode.SUCCESS ? decodeSubscriptionGroupConfig(response.bodyBuffer) : response.code;
  };

  it('are created, changed and listed', async () => {
    const name = uniqueName('group');
    const config = { ...defaultSubscriptionGroupConfig(name), retryMaxTimes: 3, consumeEnable: false };
    const put = await client.request(
      RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
      undefined,
      encodeSubscriptionGroupConfig(config),
    );
    expect(put.code).toBe(ResponseCode.SUCCESS);
    expect(await group(name)).toMatchObject({ retryMaxTimes: 3, consumeEnable: false });
    const all = await client.request(RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG);
    const { subscriptionGroupTable } = decodeSubscriptionGroupWrapper(all.bodyBuffer);
    expect(subscriptionGroupTable[name]).toMatchObject({ retryMaxTimes: 3 });

    const topic = uniqueName('topic');
    await client.send(topic, 'x');
    expect((await client.pull(name, topic, 0, { subscription: '*' })).code).toBe(ResponseCode.NO_PERMISSION);
  });

  it('are created several at once', async () => {
    const names = [uniqueName('group'), uniqueName('group')];
    const body = encodeSubscriptionGroupList(names.map((name) => defaultSubscriptionGroupConfig(name)));
    const put = await client.request(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, undefined, body);
    expect(put.code).toBe(ResponseCode.SUCCESS);
    expect(await group(names[1])).toMatchObject({ groupName: names[1] });
  });

  it('are deleted', async () => {
    const name = uniqueName('group');
    await group(name);
    const fields = encodeDeleteSubscriptionGroupRequest({ groupName: name, cleanOffset: true });
    expect((await client.request(RequestCode.DELETE_SUBSCRIPTIONGROUP, fields)).code).toBe(ResponseCode.SUCCESS);
    const all = await client.request(RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG);
    expect(decodeSubscriptionGroupWrapper(all.bodyBuffer).subscriptionGroupTable[name]).toBeUndefined();
  });

  it('are refused with an illegal name', async () => {
    const body = encodeSubscriptionGroupConfig(defaultSubscriptionGroupConfig('no spaces'));
    const put = await client.request(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, undefined, body);
    expect(put.code).toBe(ResponseCode.INVALID_PARAMETER);
  });
});

describe('offsets of queues', () => {
  it('are found by number and by time', async () => {
    const topic = uniqueName('topic');
    const before = Date.now();
    for (let i = 0; i < 3; i++) await client.send(topic, `m${i}`);
    const queue = { topic, queueId: 0 };
    const numberOf = async (
      code: number,
      fields: Record<string, string | number | boolean | undefined>,
      name = 'offset',
    ) => Number((await client.request(code, fields)).field(name));
    expect(await numberOf(RequestCode.GET_MAX_OFFSET, encodeGetMaxOffsetRequest({ ...queue, committed: true }))).toBe(
      3,
    );
    expect(await numberOf(RequestCode.GET_MIN_OFFSET, encodeGetMinOffsetRequest(queue))).toBe(0);
    const search = (timestamp: number): Promise<number> =>
      numberOf(
        RequestCode.SEARCH_OFFSET_BY_TIMESTAMP,
        encodeSearchOffsetByTimestampRequest({ ...queue, timestamp, boundaryType: 'LOWER' }),
      );
    expect(await search(before - 1_000)).toBe(0);
    expect(await search(Date.now() + 1_000)).toBe(3);
    const earliest = encodeGetEarliestMsgStoretimeRequest(queue);
    const storeTime = await numberOf(RequestCode.GET_EARLIEST_MSG_STORETIME, earliest, 'timestamp');
    expect(storeTime).toBeGreaterThanOrEqual(before);
    const empty = encodeGetEarliestMsgStoretimeRequest({ topic, queueId: 1 });
    expect(await numberOf(RequestCode.GET_EARLIEST_MSG_STORETIME, empty, 'timestamp')).toBe(-1);
  });
});
