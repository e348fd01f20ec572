import {
  decodeConsumeTimeSpans,
  decodeGroupConsumerStatus,
  decodeKVTable,
  decodeMessage,
  encodeClientConsumerStatus,
  encodeCloneGroupOffsetRequest,
  encodeConsumeMessageDirectlyRequest,
  encodeGetBrokerConsumeStatsRequest,
  encodeGetConsumerRunningInfoRequest,
  encodeInvokeBrokerToGetConsumerStatusRequest,
  encodeQueryConsumeTimeSpanRequest,
  encodeQueryConsumerOffsetRequest,
  encodeQueryCorrectionOffsetRequest,
  encodeQuerySubscriptionByConsumerRequest,
  encodeUpdateConsumerOffsetRequest,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { uniqueName } from '../support/unique-name.js';

let cluster: RunningCluster;
const clients: BrokerClient[] = [];

function newClient(): BrokerClient {
  const client = new BrokerClient(cluster.brokers[0].address);
  clients.push(client);
  return client;
}

beforeAll(async () => {
  cluster = await startCluster({ broker: { defaultTopicQueueNums: 1 } });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

afterAll(() => cluster.stop());

function commit(client: BrokerClient, consumerGroup: string, topic: string, offset: number): Promise<RemotingCommand> {
  const header = { consumerGroup, topic, queueId: 0, commitOffset: offset };
  return client.request(RequestCode.UPDATE_CONSUMER_OFFSET, encodeUpdateConsumerOffsetRequest(header));
}

async function committed(client: BrokerClient, consumerGroup: string, topic: string): Promise<string | undefined> {
  const header = { consumerGroup, topic, queueId: 0, setZeroIfNotFound: false };
  const response = await client.request(RequestCode.QUERY_CONSUMER_OFFSET, encodeQueryConsumerOffsetRequest(header));
  return response.field('offset');
}

describe('what a tool asks of a member, through the broker', () => {
  it('307: running info, with the tool’s own fields there and the member’s answer back', async () => {
    const [tool, member] = [newClient(), newClient()];
    const group = uniqueName('group');
    let asked: RemotingCommand | undefined;
    member.remoting.registerHandler(RequestCode.GET_CONSUMER_RUNNING_INFO, (request) => {
      asked = request;
      return RemotingCommand.response(ResponseCode.SUCCESS, { body: Buffer.from('{"properties":{"a":"b"}}') });
    });
    await member.heartbeat(group, { some_topic: '*' });
    const ask = (clientId: string, consumerGroup = group): Promise<RemotingCommand> =>
      tool.request(
        RequestCode.GET_CONSUMER_RUNNING_INFO,
        encodeGetConsumerRunningInfoRequest({ consumerGroup, clientId, jstackEnable: true }),
      );
    const answer = await ask(member.clientId);
    expect(answer).toMatchObject({ code: ResponseCode.SUCCESS });
    expect(answer.bodyBuffer.toString()).toBe('{"properties":{"a":"b"}}');
    expect(asked?.field('jstackEnable')).toBe('true');
    expect(await ask('nobody')).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: `The Consumer <${group}> <nobody> not online`,
    });
    expect((await ask(member.clientId, uniqueName('group'))).code).toBe(ResponseCode.SYSTEM_ERROR);
    member.remoting.registerHandler(RequestCode.GET_CONSUMER_RUNNING_INFO, () =>
      RemotingCommand.response(ResponseCode.SYSTEM_ERROR, { remark: 'not me' }),
    );
    expect(await ask(member.clientId)).toMatchObject({ code: ResponseCode.SYSTEM_ERROR, remark: 'not me' });
  });

  it('309: one message, which the broker reads and sends along', async () => {
    const [tool, member] = [newClient(), newClient()];
    const [group, topic] = [uniqueName('group'), uniqueName('topic')];
    const { msgId } = await tool.send(topic, 'again, please');
    const asked: RemotingCommand[] = [];
    member.remoting.registerHandler(RequestCode.CONSUME_MESSAGE_DIRECTLY, (request) => {
      asked.push(request);
      return RemotingCommand.response(ResponseCode.SUCCESS, { body: Buffer.from('{}') });
    });
    await member.heartbeat(group, { [topic]: '*' });
    const ask = (header: { msgId?: string; clientId?: string }): Promise<RemotingCommand> =>
      tool.request(
        RequestCode.CONSUME_MESSAGE_DIRECTLY,
        encodeConsumeMessageDirectlyRequest({ consumerGroup: group, topic, clientId: member.clientId, ...header }),
      );
    expect((await ask({ msgId })).code).toBe(ResponseCode.SUCCESS);
    expect(decodeMessage(asked[0].bodyBuffer).body.toString()).toBe('again, please');
    expect(asked[0].extFields).toMatchObject({ brokerName: 'broker-a', topicSysFlag: '0', groupSysFlag: '0', msgId });
    expect((await ask({})).code).toBe(ResponseCode.INVALID_PARAMETER);
    expect((await ask({ msgId: 'xyz' })).code).toBe(ResponseCode.INVALID_PARAMETER);
    expect((await ask({ msgId, clientId: '' })).code).toBe(ResponseCode.INVALID_PARAMETER);
    const behind = `${msgId.slice(0, 16)}00000000FFFFFFFF`;
    expect(await ask({ msgId: behind })).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'can not find message by the offset, 4294967295',
    });
    expect(asked).toHaveLength(1);
  });

  it('223: the offsets of all members, or of one; who does not answer is left out', async () => {
    const [tool, a, b, silent] = [newClient(), newClient(), newClient(), newClient()];
    const group = uniqueName('group');
    const queue = { topic: 't', brokerName: 'broker-a', queueId: 0 };
    for (const [member, value] of [
      [a, 5],
      [b, 7],
    ] as const) {
      member.remoting.registerHandler(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, (request) => {
        expect(request.extFields).toMatchObject({ topic: 't', group });
        const body = encodeClientConsumerStatus({ messageQueueTable: [{ queue, value }] });
        return RemotingCommand.response(ResponseCode.SUCCESS, { body });
      });
    }
    silent.remoting.registerHandler(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, () =>
      RemotingCommand.response(ResponseCode.SYSTEM_ERROR, { remark: 'no' }),
    );
    const ask = (clientAddr?: string): Promise<RemotingCommand> =>
      tool.request(
        RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
        encodeInvokeBrokerToGetConsumerStatusRequest({ topic: 't', group, clientAddr }),
      );
    expect(await ask()).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: `No Any Consumer online in the consumer group: [${group}]`,
    });
    for (const member of [a, b, silent]) await member.heartbeat(group, { t: '*' });
    const all = decodeGroupConsumerStatus((await ask()).bodyBuffer).consumerTable;
    expect([...all].sort()).toEqual(
      [
        [a.clientId, [{ queue, value: 5 }]],
        [b.clientId, [{ queue, value: 7 }]],
      ].sort(),
    );
    const one = decodeGroupConsumerStatus((await ask(b.clientId)).bodyBuffer).consumerTable;
    expect([...one.keys()]).toEqual([b.clientId]);
  });
});

describe('what the broker itself knows of groups', () => {
  it('314: clones the offsets of a topic, or of all that the source subscribes', async () => {
    const client = newClient();
    const [source, target, all] = [uniqueName('group'), uniqueName('group'), uniqueName('group')];
    const topics = [uniqueName('topic'), uniqueName('topic')];
    for (const topic of topics) await client.send(topic, 'x');
    await client.heartbeat(source, { [topics[0]]: '*' });
    await commit(client, source, topics[0], 1);
    await commit(client, source, topics[1], 1);
    const clone = (destGroup: string, topic?: string, offline = false): Promise<RemotingCommand> =>
      client.request(
        RequestCode.CLONE_GROUP_OFFSET,
        encodeCloneGroupOffsetRequest({ srcGroup: source, destGroup, topic, offline }),
      );
    expect((await clone(target, topics[0])).code).toBe(ResponseCode.SUCCESS);
    expect([await committed(client, target, topics[0]), await committed(client, target, topics[1])]).toEqual([
      '1',
      undefined,
    ]);
    await clone(all);
    expect(await committed(client, all, topics[1])).toBeUndefined();
    await clone(all, undefined, true);
    expect(await committed(client, all, topics[1])).toBe('1');
    expect((await clone('a b')).code).toBe(ResponseCode.INVALID_PARAMETER);
  });

  it('308, 303, 345, 317: the lowest offset, time spans, a subscription, and the backlog of all groups', async () => {
    const client = newClient();
    const topic = uniqueName('topic');
    const [ahead, behind] = [uniqueName('group'), uniqueName('group')];
    for (let i = 0; i < 4; i++) await client.send(topic, `m${i}`);
    await client.heartbeat(ahead, { [topic]: 'a || b' });
    await newClient().heartbeat(behind, { [topic]: '*' });
    await commit(client, ahead, topic, 3);
    await commit(client, behind, topic, 1);

    const correction = async (compareGroup: string, filterGroups?: string): Promise<string> =>
      (
        await client.request(
          RequestCode.QUERY_CORRECTION_OFFSET,
          encodeQueryCorrectionOffsetRequest({ compareGroup, topic, filterGroups }),
        )
      ).bodyBuffer.toString();
    expect(await correction(ahead)).toBe('{"correctionOffsets":{0:1}}');
    expect(await correction(behind, behind)).toBe('{"correctionOffsets":{0:9223372036854775807}}');
    expect(await committed(client, behind, topic)).toBe('1');

    const spanOf = async (group: string) => {
      const response = await client.request(
        RequestCode.QUERY_CONSUME_TIME_SPAN,
        encodeQueryConsumeTimeSpanRequest({ topic, group }),
      );
      return decodeConsumeTimeSpans(response.bodyBuffer).consumeTimeSpanSet[0];
    };
    const span = await spanOf(behind);
    expect(span.messageQueue).toEqual({ topic, brokerName: 'broker-a', queueId: 0 });
    expect(span.minTimeStamp).toBeGreaterThan(Date.now() - 60_000);
    expect(span.maxTimeStamp).toBeGreaterThanOrEqual(span.consumeTimeStamp);
    expect(span.delayTime).toBeGreaterThanOrEqual(0);
    await commit(client, ahead, topic, 4);
    expect((await spanOf(ahead)).delayTime).toBe(0);
    const unknown = await client.request(
      RequestCode.QUERY_CONSUME_TIME_SPAN,
      encodeQueryConsumeTimeSpanRequest({ topic: 'no_such_topic', group: ahead }),
    );
    expect(unknown.code).toBe(ResponseCode.TOPIC_NOT_EXIST);

    const subscription = await client.request(
      RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER,
      encodeQuerySubscriptionByConsumerRequest({ group: ahead, topic }),
    );
    expect(JSON.parse(subscription.bodyBuffer.toString())).toMatchObject({
      group: ahead,
      topic,
      subscriptionData: { subString: 'a || b' },
    });

    const stats = await client.request(
      RequestCode.GET_BROKER_CONSUME_STATS,
      encodeGetBrokerConsumeStatsRequest({ isOrder: false }),
    );
    const text = stats.bodyBuffer.toString();
    expect(text).toContain(`{"${behind}":[{"consumeTps":0,"offsetTable":{{"brokerName":"broker-a","queueId":0,`);
    expect(text).toMatch(/"totalDiff":\d+/);
  });

  it('28: counts groups whose members subscribe to different things', async () => {
    const [a, b] = [newClient(), newClient()];
    const group = uniqueName('group');
    const figures = async () => decodeKVTable((await a.request(RequestCode.GET_BROKER_RUNTIME_INFO)).bodyBuffer).table;
    const before = Number((await figures()).subscriptionMismatchTotal);
    await a.heartbeat(group, { some_topic: 'x' });
    await b.heartbeat(group, { some_topic: 'y' });
    await a.heartbeat(group, { some_topic: 'x' });
    expect(await figures()).toMatchObject({
      subscriptionMismatchTotal: String(before + 1),
      subscriptionMismatchGroups: '1',
      subscriptionMismatchGroupNames: group,
    });
    await b.heartbeat(group, { some_topic: 'x' }, { subVersion: 2 });
    expect(await figures()).toMatchObject({ subscriptionMismatchGroups: '0' });
    expect((await figures()).subscriptionMismatchGroupNames).toBeUndefined();
  });
});

describe('settings of a running broker', () => {
  const update = (client: BrokerClient, text: string): Promise<RemotingCommand> =>
    client.request(RequestCode.UPDATE_BROKER_CONFIG, undefined, Buffer.from(text));

  it('26 and 25: are shown and changed; wrong ones are refused with nothing changed', async () => {
    const client = newClient();
    const shown = async (): Promise<{ text: string; version: string }> => {
      const response = await client.request(RequestCode.GET_BROKER_CONFIG);
      return { text: response.bodyBuffer.toString(), version: response.field('version')! };
    };
    const before = await shown();
    expect(before.text).toContain('useServerSideResetOffset=true\n');
    expect(JSON.parse(before.version)).toMatchObject({ counter: 0 });
    expect((await update(client, 'useServerSideResetOffset=false\nnoSuchKeyAtAll=1')).code).toBe(
      ResponseCode.SYSTEM_ERROR,
    );
    expect(await update(client, 'listenPort=1')).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: expect.stringContaining('read at the start only') as string,
    });
    expect((await update(client, 'brokerPermission=9')).code).toBe(ResponseCode.SYSTEM_ERROR);
    expect((await update(client, 'configBlackList=x')).code).toBe(ResponseCode.NO_PERMISSION);
    expect(await shown()).toEqual(before);
    expect((await update(client, 'useServerSideResetOffset=false')).code).toBe(ResponseCode.SUCCESS);
    expect((await shown()).text).toContain('useServerSideResetOffset=false\n');
    expect(JSON.parse((await shown()).version)).toMatchObject({ counter: 1 });
    await update(client, 'useServerSideResetOffset=true');
  });

  it('count at once: a broker that may not be read from refuses pulls', async () => {
    const client = newClient();
    const [topic, group] = [uniqueName('topic'), uniqueName('group')];
    await client.send(topic, 'x');
    await client.heartbeat(group, { [topic]: '*' });
    await update(client, 'brokerPermission=2');
    expect((await client.pull(group, topic, 0)).code).toBe(ResponseCode.NO_PERMISSION);
    await update(client, 'brokerPermission=6');
    expect((await client.pull(group, topic, 0)).messages).toHaveLength(1);
  });
});
