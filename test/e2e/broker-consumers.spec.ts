import {
  decodeGetConsumerListByGroupResponseBody,
  decodeLockBatchResponseBody,
  encodeConsumerSendMsgBackRequest,
  encodeGetConsumerListByGroupRequest,
  encodeLockBatchRequestBody,
  encodeQueryConsumerOffsetRequest,
  encodeUnlockBatchRequestBody,
  encodeUnregisterClientRequest,
  encodeUpdateConsumerOffsetRequest,
  type MessageQueue,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { uniqueName } from '../support/unique-name.js';
import { waitFor } from '../support/wait-for.js';

let cluster: RunningCluster;
const clients: BrokerClient[] = [];

function newClient(): BrokerClient {
  const client = new BrokerClient(cluster.brokers[0].address);
  clients.push(client);
  return client;
}

beforeAll(async () => {
  cluster = await startCluster({ broker: { messageDelayLevel: '1s 1s 1s 1s 1s' } });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

afterAll(() => cluster.stop());

async function members(client: BrokerClient, consumerGroup: string): Promise<string[] | number> {
  const fields = encodeGetConsumerListByGroupRequest({ consumerGroup });
  const response = await client.request(RequestCode.GET_CONSUMER_LIST_BY_GROUP, fields);
  if (response.code !== ResponseCode.SUCCESS) return response.code;
  return decodeGetConsumerListByGroupResponseBody(response.bodyBuffer).consumerIdList.sort();
}

describe('members of a group', () => {
  it('are those that sent a heartbeat, and are told when one joins or leaves', async () => {
    const [a, b] = [newClient(), newClient()];
    const group = uniqueName('group');
    expect(await members(a, group)).toBe(ResponseCode.SYSTEM_ERROR);

    const answer = await a.heartbeat(group, { some_topic: '*' });
    expect(answer.code).toBe(ResponseCode.SUCCESS);
    expect(answer.field('IS_SUPPORT_HEART_BEAT_V2')).toBe('true');
    await b.heartbeat(group, { some_topic: '*' });
    expect(await members(a, group)).toEqual([a.clientId, b.clientId].sort());
    await waitFor(() => a.received.length > 0 && b.received.length > 0, 'the notice of the second member');
    expect(a.received[0].field('consumerGroup')).toBe(group);
    expect(a.received[0].isOneway).toBe(true);

    const before = a.received.length;
    await b.request(
      RequestCode.UNREGISTER_CLIENT,
      encodeUnregisterClientRequest({ clientID: b.clientId, consumerGroup: group }),
    );
    expect(await members(a, group)).toEqual([a.clientId]);
    await waitFor(() => a.received.length > before, 'the notice of the member that left');
  });

  it('leave when their connection closes', async () => {
    const [a, b] = [newClient(), newClient()];
    const group = uniqueName('group');
    await a.heartbeat(group, { some_topic: '*' });
    await b.heartbeat(group, { some_topic: '*' });
    await b.close();
    await waitFor(async () => (await members(a, group)).toString() === a.clientId, 'the member to be gone');
  });

  it('get a retry topic with the first heartbeat of their group', async () => {
    const client = newClient();
    const group = uniqueName('group');
    await client.heartbeat(group, { some_topic: '*' });
    const pull = await client.pull(group, `%RETRY%${group}`, 0, { subscription: '*' });
    expect(pull.code).toBe(ResponseCode.PULL_NOT_FOUND);
  });

  it('refuses a heartbeat beyond the limits', async () => {
    const client = newClient();
    const topics = Object.fromEntries(Array.from({ length: 2_001 }, (_, i) => [`topic_${i}`, '*']));
    const answer = await client.heartbeat(uniqueName('group'), topics);
    expect(answer.code).toBe(ResponseCode.INVALID_PARAMETER);
    expect(answer.remark).toContain('maxSubscriptionsPerGroup');
  });
});

describe('consumer offsets', () => {
  async function query(client: BrokerClient, group: string, topic: string, setZeroIfNotFound?: boolean) {
    const fields = encodeQueryConsumerOffsetRequest({ consumerGroup: group, topic, queueId: 0, setZeroIfNotFound });
    const response = await client.request(RequestCode.QUERY_CONSUMER_OFFSET, fields);
    return response.code === ResponseCode.SUCCESS ? Number(response.field('offset')) : `code ${response.code}`;
  }

  function update(client: BrokerClient, consumerGroup: string, topic: string, commitOffset: number, queueId = 0) {
    const fields = encodeUpdateConsumerOffsetRequest({ consumerGroup, topic, queueId, commitOffset });
    return client.request(RequestCode.UPDATE_CONSUMER_OFFSET, fields);
  }

  it('are 0 for a new group on a young queue, or unknown when the client says so', async () => {
    const client = newClient();
    const [topic, group] = [uniqueName('topic'), uniqueName('group')];
    await client.send(topic, 'x');
    expect(await query(client, group, topic)).toBe(0);
    expect(await query(client, group, topic, false)).toBe(`code ${ResponseCode.QUERY_NOT_FOUND}`);
  });

  it('are what was committed last, backwards too', async () => {
    const client = newClient();
    const [topic, group] = [uniqueName('topic'), uniqueName('group')];
    await client.send(topic, 'x');
    await client.heartbeat(group, { [topic]: '*' });
    expect((await update(client, group, topic, 5)).code).toBe(ResponseCode.SUCCESS);
    expect(await query(client, group, topic)).toBe(5);
    await update(client, group, topic, 3);
    expect(await query(client, group, topic)).toBe(3);
  });

  it('are committed by a pull that says so', async () => {
    const client = newClient();
    const [topic, group] = [uniqueName('topic'), uniqueName('group')];
    await client.send(topic, 'x');
    await client.pull(group, topic, 0, { subscription: '*', commitOffset: 1 });
    expect(await query(client, group, topic)).toBe(1);
  });

  it('are refused for unknown groups, topics and queues', async () => {
    const client = newClient();
    const [topic, group] = [uniqueName('topic'), uniqueName('group')];
    await client.send(topic, 'x');
    expect((await update(client, uniqueName('nobody'), topic, 1)).code).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
    await client.heartbeat(group, { [topic]: '*' });
    expect((await update(client, group, uniqueName('nowhere'), 1)).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect((await update(client, group, topic, 1, 77)).code).toBe(ResponseCode.INVALID_PARAMETER);
  });
});

describe('locks of orderly consumers', () => {
  it('are held by one client of a group at a time', async () => {
    const [a, b] = [newClient(), newClient()];
    const consumerGroup = uniqueName('group');
    const mqSet: MessageQueue[] = [0, 1].map((queueId) => ({ topic: 't', brokerName: 'broker-a', queueId }));
    const lock = async (client: BrokerClient): Promise<number[]> => {
      const body = encodeLockBatchRequestBody({
        consumerGroup,
        clientId: client.clientId,
        mqSet,
        onlyThisBroker: false,
      });
      const response = await client.request(RequestCode.LOCK_BATCH_MQ, undefined, body);
      return decodeLockBatchResponseBody(response.bodyBuffer).lockOKMQSet.map(({ queueId }) => queueId);
    };
    expect(await lock(a)).toEqual([0, 1]);
    expect(await lock(b)).toEqual([]);
    const unlock = { consumerGroup, clientId: a.clientId, mqSet: [mqSet[1]], onlyThisBroker: false };
    await a.request(RequestCode.UNLOCK_BATCH_MQ, undefined, encodeUnlockBatchRequestBody(unlock));
    expect(await lock(b)).toEqual([1]);
  });
});

describe('messages sent back', () => {
  function sendBack(client: BrokerClient, group: string, offset: number, delayLevel = 0, maxReconsumeTimes?: number) {
    const fields = encodeConsumerSendMsgBackRequest({
      offset,
      group,
      delayLevel,
      unitMode: false,
      maxReconsumeTimes,
    });
    return client.request(RequestCode.CONSUMER_SEND_MSG_BACK, fields);
  }

  it('come again through the retry topic after their delay', async () => {
    const client = newClient();
    const [topic, group] = [uniqueName('topic'), uniqueName('group')];
    await client.send(topic, 'failing', { propertyMap: { TAGS: 'a', KEYS: 'k' } });
    const [first] = (await client.pull(group, topic, 0, { subscription: '*' })).messages;
    expect((await sendBack(client, group, first.physicalOffset)).code).toBe(ResponseCode.SUCCESS);

    await client.heartbeat(group, { [topic]: '*', [`%RETRY%${group}`]: '*' });
    const { messages } = await client.pull(group, `%RETRY%${group}`, 0, { suspend: true, subVersion: 1 });
    expect(messages).toHaveLength(1);
    expect(messages[0].body.toString()).toBe('failing');
    expect(messages[0]).toMatchObject({
      topic: `%RETRY%${group}`,
      reconsumeTimes: 1,
      bornTimestamp: first.bornTimestamp,
    });
    expect(messages[0].properties).toMatchObject({
      RETRY_TOPIC: topic,
      ORIGIN_MESSAGE_ID: first.offsetMsgId,
      UNIQ_KEY: first.properties['UNIQ_KEY'],
      TAGS: 'a',
      KEYS: 'k',
      DELAY: '3',
    });

    expect((await sendBack(client, group, messages[0].physicalOffset)).code).toBe(ResponseCode.SUCCESS);
    const again = await client.pull(group, `%RETRY%${group}`, 1, { suspend: true, subVersion: 1 });
    expect(again.messages[0]).toMatchObject({ reconsumeTimes: 2 });
    expect(again.messages[0].properties).toMatchObject({
      RETRY_TOPIC: topic,
      ORIGIN_MESSAGE_ID: first.offsetMsgId,
      DELAY: '4',
    });
  });

  it.each([
    ['with delay level -1', -1, undefined],
    ['when they came often enough', 0, 0],
  ])('go to the dead letter topic %s', async (_, delayLevel, maxReconsumeTimes) => {
    const client = newClient();
    const [topic, group] = [uniqueName('topic'), uniqueName('group')];
    await client.send(topic, 'dead');
    const [message] = (await client.pull(group, topic, 0, { subscription: '*' })).messages;
    const answer = await sendBack(client, group, message.physicalOffset, delayLevel, maxReconsumeTimes);
    expect(answer.code).toBe(ResponseCode.SUCCESS);
    const { messages } = await client.pull(group, `%DLQ%${group}`, 0, { subscription: '*' });
    expect(messages.map(({ body }) => body.toString())).toEqual(['dead']);
    expect(messages[0].properties).toMatchObject({ RETRY_TOPIC: topic });
  });

  it('are refused when there is no such message', async () => {
    const client = newClient();
    const group = uniqueName('group');
    await client.heartbeat(group, {});
    const answer = await sendBack(client, group, 123_456_789);
    expect(answer.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(answer.remark).toContain('look message by offset failed');
  });

  it('go to the dead letter topic when a client itself sends them to the retry topic too often', async () => {
    const client = newClient();
    const group = uniqueName('group');
    await client.heartbeat(group, {});
    const retry = `%RETRY%${group}`;
    const once = await client.send(retry, 'again', { reconsumeTimes: 1, maxReconsumeTimes: 1 });
    expect(once.code).toBe(ResponseCode.SUCCESS);
    const dead = await client.send(retry, 'dead', {
      reconsumeTimes: 2,
      maxReconsumeTimes: 1,
      propertyMap: { DELAY: '5' },
    });
    expect(dead.code).toBe(ResponseCode.SUCCESS);
    const view = await client.pull(group, `%DLQ%${group}`, 0, { subscription: '*' });
    expect(view.messages.map(({ body }) => body.toString())).toEqual(['dead']);
  });

  it('are refused for a group that does not exist and may not be created', async () => {
    const client = newClient();
    const answer = await client.send('%RETRY%bad|group|' + 'x'.repeat(130), 'x');
    expect(answer.code).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
  });
});
