import {
  decodeConsumeStats,
  defaultSubscriptionGroupConfig,
  dlqTopicOf,
  encodeDeleteSubscriptionGroupRequest,
  encodeGetConsumeStatsRequest,
  encodeSubscriptionGroupConfig,
  encodeUpdateAndCreateTopicRequest,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { PopClient, type PoppedMessage } from '../support/pop-client.js';
import { uniqueName } from '../support/unique-name.js';
import { waitFor } from '../support/wait-for.js';

let cluster: RunningCluster;
let client: BrokerClient;

beforeAll(async () => {
  cluster = await startCluster();
  client = new BrokerClient(cluster.brokers[0].address);
});

afterAll(async () => {
  await client?.close();
  await cluster?.stop();
});

const BROKER_NAME = 'broker-a';

function consumer(group = uniqueName('group')): PopClient {
  return new PopClient(client, group, BROKER_NAME);
}

async function topicWith(...bodies: string[]): Promise<string> {
  const topic = uniqueName('topic');
  for (const body of bodies) await client.send(topic, body, { queueId: 0, propertyMap: { TAGS: body.split('-')[0] } });
  return topic;
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `m-${i}`);
}

function bodies(messages: readonly PoppedMessage[]): string[] {
  return messages.map(({ body }) => body.toString());
}

async function progressOf(group: string, topic: string, queueId = 0): Promise<number | undefined> {
  const response = await client.request(
    RequestCode.GET_CONSUME_STATS,
    encodeGetConsumeStatsRequest({ consumerGroup: group, topic, topicList: undefined }),
  );
  const { offsetTable } = decodeConsumeStats(response.bodyBuffer);
  return offsetTable.find(({ queue }) => queue.queueId === queueId)?.value.consumerOffset;
}

describe('popping', () => {
  it('hands out messages of a queue once, and tells where they are', async () => {
    const topic = await topicWith(...numbered(5));
    const pops = consumer();
    const first = await pops.pop(topic, { queueId: 0, maxMsgNums: 3 });
    expect(first).toMatchObject({ code: ResponseCode.SUCCESS, remark: 'FOUND' });
    expect(bodies(first.messages)).toEqual(['m-0', 'm-1', 'm-2']);
    expect(first.header).toMatchObject({
      invisibleTime: 60_000,
      restNum: 2,
      startOffsetInfo: '0 0 0',
      msgOffsetInfo: '0 0 0,1,2',
    });
    expect(bodies((await pops.pop(topic, { queueId: 0 })).messages)).toEqual(['m-3', 'm-4']);
    expect(await pops.pop(topic, { queueId: 0 })).toMatchObject({
      code: ResponseCode.POLLING_TIMEOUT,
      remark: 'NO_MESSAGE_IN_QUEUE',
      header: { restNum: 0, startOffsetInfo: '', msgOffsetInfo: '' },
    });
    expect(await progressOf(pops.group, topic)).toBe(5);
  });

  it('takes messages of all queues', async () => {
    const topic = uniqueName('topic');
    for (let i = 0; i < 8; i++) await client.send(topic, `m-${i}`, { queueId: i % 4 });
    const reply = await consumer().pop(topic);
    expect(bodies(reply.messages).sort()).toEqual(numbered(8));
    expect(reply.header.startOffsetInfo?.split(';')).toHaveLength(4);
  });

  it('lets through what matches the tags, and passes the rest', async () => {
    const topic = await topicWith('a-0', 'b-1', 'a-2', 'b-3');
    const pops = consumer();
    const reply = await pops.pop(topic, { queueId: 0, exp: 'b', expType: 'TAG' });
    expect(bodies(reply.messages)).toEqual(['b-1', 'b-3']);
    expect(reply.header).toMatchObject({ startOffsetInfo: '0 0 0', msgOffsetInfo: '0 0 1,3' });
    await pops.ackAll(reply.messages);
    const nobody = consumer();
    expect(await nobody.pop(topic, { queueId: 0, exp: 'none', expType: 'TAG' })).toMatchObject({ messages: [] });
    expect(await progressOf(nobody.group, topic)).toBe(4);
  });

  it('lets through what matches an SQL92 expression, also of what comes again', async () => {
    const topic = uniqueName('topic');
    for (const [i, price] of [5, 20, 7, 30].entries()) {
      await client.send(topic, `m-${i}`, { queueId: 0, propertyMap: { price: String(price) } });
    }
    const pops = consumer();
    const filter = { queueId: 0, exp: 'price > 10', expType: 'SQL92' };
    const first = await pops.pop(topic, { ...filter, invisibleTime: 3_000 });
    expect(bodies(first.messages)).toEqual(['m-1', 'm-3']);
    await pops.ack(first.messages[0]);
    expect(bodies((await pops.popUntil(topic, filter)).messages)).toEqual(['m-3']);
    const wrong = await pops.pop(topic, { ...filter, exp: 'price >' });
    expect(wrong.code).toBe(ResponseCode.SUBSCRIPTION_PARSE_FAILED);
  });

  it('begins at the end for a new group that asks so', async () => {
    const topic = await topicWith(...numbered(3));
    // The queue's messages are recent: a group that begins at the end still gets them, as with pulls.
    expect((await consumer().pop(topic, { queueId: 0, initMode: 1 })).messages).toHaveLength(3);
  });

  it.each([
    ['more than 32 messages', { maxMsgNums: 33 }, ResponseCode.INVALID_PARAMETER],
    ['no messages', { maxMsgNums: 0 }, ResponseCode.INVALID_PARAMETER],
    ['a queue that is not there', { queueId: 99 }, ResponseCode.INVALID_PARAMETER],
    ['an invisible time beyond the limit', { invisibleTime: 86_400_001 }, ResponseCode.INVALID_PARAMETER],
    ['a negative invisible time', { invisibleTime: -1 }, ResponseCode.INVALID_PARAMETER],
    ['a filter that cannot be parsed', { exp: '||', expType: 'TAG' }, ResponseCode.SUBSCRIPTION_PARSE_FAILED],
    ['an answer long after its time', { bornTime: Date.now() - 60_000, pollTime: 1_000 }, ResponseCode.POLLING_TIMEOUT],
  ])('refuses a pop that asks for %s', async (_, options, code) => {
    const topic = await topicWith('m-0');
    expect(await consumer().pop(topic, options)).toMatchObject({ code, messages: [] });
  });

  it('refuses a topic that is not there', async () => {
    expect((await consumer().pop(uniqueName('nowhere'))).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });
});

describe.concurrent('waiting', () => {
  it('is ended by a message, for one of the group', async () => {
    const topic = await topicWith('m-0');
    const pops = consumer();
    await pops.ackAll((await pops.pop(topic)).messages);
    const waiting = [pops.pop(topic, { pollTime: 15_000 }), pops.pop(topic, { pollTime: 15_000 })];
    await waitFor(async () => (await pops.pollingNum(topic)) === 2, 'both wait');
    await client.send(topic, 'm-1');
    const first = await Promise.race(waiting);
    expect(bodies(first.messages)).toEqual(['m-1']);
    expect(await pops.pollingNum(topic)).toBe(1);
    await client.send(topic, 'm-2');
    const all = await Promise.all(waiting);
    expect(all.flatMap(({ messages }) => bodies(messages)).sort()).toEqual(['m-1', 'm-2']);
  });

  it('is not ended by a message that the filter keeps back, and ends with its time', async () => {
    const topic = await topicWith('a-0');
    const pops = consumer();
    await pops.ackAll((await pops.pop(topic)).messages);
    const waiting = pops.pop(topic, { pollTime: 2_500, exp: 'b', expType: 'TAG' });
    await waitFor(async () => (await pops.pollingNum(topic)) === 1, 'it waits');
    await client.send(topic, 'a-1', { propertyMap: { TAGS: 'a' } });
    expect(await pops.pollingNum(topic)).toBe(1);
    expect(await waiting).toMatchObject({ code: ResponseCode.POLLING_TIMEOUT });
  });

  it('is forgotten with its connection', async () => {
    const topic = await topicWith('m-0');
    const pops = consumer();
    await pops.ackAll((await pops.pop(topic)).messages);
    const other = new BrokerClient(client.address);
    const gone = new PopClient(other, pops.group, BROKER_NAME).pop(topic, { pollTime: 10_000 }).catch(() => undefined);
    await waitFor(async () => (await pops.pollingNum(topic)) === 1, 'it waits');
    await other.close();
    await gone;
    await waitFor(async () => (await pops.pollingNum(topic)) === 0, 'it is forgotten');
    await client.send(topic, 'm-1');
    expect(bodies((await pops.popUntil(topic)).messages)).toEqual(['m-1']);
  });

  it('is told to notifications', async () => {
    const topic = await topicWith('m-0');
    const pops = consumer();
    expect(await pops.notification(topic)).toEqual({ hasMsg: true, pollingFull: false });
    await pops.ackAll((await pops.pop(topic)).messages);
    expect(await pops.notification(topic)).toEqual({ hasMsg: false, pollingFull: false });
    const told = pops.notification(topic, 15_000);
    await client.send(topic, 'm-1');
    expect(await told).toEqual({ hasMsg: true, pollingFull: false });
  });
});

describe.concurrent('what is not acknowledged', () => {
  it('comes again with one reconsume time more, and only that', async () => {
    const topic = await topicWith(...numbered(4));
    const pops = consumer();
    const first = await pops.pop(topic, { invisibleTime: 3_000 });
    await pops.ackAll(first.messages.filter((_, index) => index !== 2));
    const again = await pops.popUntil(topic);
    expect(bodies(again.messages)).toEqual(['m-2']);
    const [message] = again.messages;
    expect(message).toMatchObject({ topic, storedTopic: `%RETRY%${pops.group}_${topic}`, reconsumeTimes: 1 });
    expect(message.properties['1ST_POP_TIME']).toBe(String(first.header.popTime));
    expect(again.header.startOffsetInfo).toBe('1 0 0');
    expect((await pops.ack(message)).code).toBe(ResponseCode.SUCCESS);
    expect((await pops.pop(topic, { pollTime: 1_500 })).messages).toEqual([]);
  });

  it('stays away while its invisible time is renewed, and the old handle counts no more', async () => {
    const topic = await topicWith('m-0');
    const pops = consumer();
    const [popped] = (await pops.pop(topic, { invisibleTime: 3_000 })).messages;
    const renewed = await pops.renew(popped, 60_000);
    expect(renewed.response.code).toBe(ResponseCode.SUCCESS);
    expect((await pops.pop(topic, { pollTime: 4_500 })).messages).toEqual([]);
    expect((await pops.renew(popped, 1_000)).response.code).toBe(ResponseCode.NO_MESSAGE);
    const released = await pops.renew(renewed.message, 0);
    expect(released.response.code).toBe(ResponseCode.SUCCESS);
    const again = await pops.popUntil(topic);
    expect(again.messages[0]).toMatchObject({ reconsumeTimes: 1 });
    expect((await pops.ack(again.messages[0])).code).toBe(ResponseCode.SUCCESS);
    expect((await pops.renew(again.messages[0], 1_000)).response.code).toBe(ResponseCode.NO_MESSAGE);
  });

  it('rests in the dead letter topic after the reconsume times of the group', async () => {
    const group = uniqueName('group');
    const config = { ...defaultSubscriptionGroupConfig(group), retryMaxTimes: 1 };
    await client.request(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, encodeSubscriptionGroupConfig(config));
    const pops = consumer(group);
    const topic = await topicWith('m-0');
    await pops.pop(topic, { invisibleTime: 0 });
    expect((await pops.popUntil(topic, { invisibleTime: 0 })).messages[0]).toMatchObject({ reconsumeTimes: 1 });
    const dead = await pull(dlqTopicOf(group));
    expect(dead).toMatchObject({ reconsumeTimes: 2 });
    expect(dead.properties).toMatchObject({ DLQ_ORIGIN_TOPIC: topic });
    expect((await pops.pop(topic, { pollTime: 1_000 })).messages).toEqual([]);
  });

  async function pull(topic: string): Promise<PoppedMessage> {
    return (await consumer().popUntil(topic)).messages[0];
  }
});

describe('acknowledging', () => {
  it('takes many at once', async () => {
    const topic = await topicWith(...numbered(6));
    const pops = consumer();
    const { header, messages } = await pops.pop(topic, { queueId: 0, invisibleTime: 3_000 });
    expect(messages).toHaveLength(6);
    const response = await pops.batchAck([
      {
        consumerGroup: pops.group,
        topic,
        retry: '0',
        startOffset: 0,
        queueId: 0,
        reviveQueueId: header.reviveQid,
        popTime: header.popTime,
        invisibleTime: header.invisibleTime,
        bitSet: [0, 1, 2, 4, 5],
      },
    ]);
    expect(response.code).toBe(ResponseCode.SUCCESS);
    expect(bodies((await pops.popUntil(topic)).messages)).toEqual(['m-3']);
    expect((await pops.batchAck([])).code).toBe(ResponseCode.NO_MESSAGE);
  });

  it('may come twice, and refuses what cannot be', async () => {
    const topic = await topicWith('m-0');
    const pops = consumer();
    const [message] = (await pops.pop(topic)).messages;
    expect((await pops.ack(message)).code).toBe(ResponseCode.SUCCESS);
    expect((await pops.ack(message)).code).toBe(ResponseCode.SUCCESS);
    expect((await pops.ack({ ...message, queueOffset: 7 })).code).toBe(ResponseCode.NO_MESSAGE);
    expect((await pops.ack({ ...message, queueId: 99 })).code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect((await pops.ack({ ...message, storedTopic: 'nowhere' })).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    const malformed = await pops.ack({ ...message, handle: 'nonsense' });
    expect(malformed.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(malformed.remark).toContain('extraInfo');
    const wrongNumber = message.handle.replace(/^\d+/, '-x');
    expect((await pops.ack({ ...message, handle: wrongNumber })).code).toBe(ResponseCode.SYSTEM_ERROR);
    expect((await pops.renew({ ...message, handle: 'nonsense' }, 1_000)).response.code).toBe(ResponseCode.SYSTEM_ERROR);
  });
});

describe('popping in order', () => {
  it('gives a queue to nobody else until its messages are acknowledged', async () => {
    const topic = await topicWith(...numbered(4));
    const pops = consumer();
    const order = { queueId: 0, order: true, maxMsgNums: 2 };
    const first = await pops.pop(topic, order);
    expect(bodies(first.messages)).toEqual(['m-0', 'm-1']);
    expect(first.header.reviveQid).toBe(999);
    expect([...first.orderCounts]).toEqual([['0@0', 0]]);
    expect((await pops.pop(topic, order)).messages).toEqual([]);
    await pops.ack(first.messages[0]);
    expect((await pops.pop(topic, order)).messages).toEqual([]);
    expect(await progressOf(pops.group, topic)).toBe(1);
    const waiting = pops.pop(topic, { ...order, pollTime: 15_000 });
    await waitFor(async () => (await pops.pollingNum(topic, 0)) === 1, 'it waits');
    await pops.ack(first.messages[1]);
    expect(bodies((await waiting).messages)).toEqual(['m-2', 'm-3']);
  });

  it('gives the same messages again when their time is over, and counts that', async () => {
    const topic = await topicWith(...numbered(2));
    const pops = consumer();
    const order = { queueId: 0, order: true };
    await pops.pop(topic, { ...order, invisibleTime: 700 });
    const again = await pops.popUntil(topic, order);
    expect(bodies(again.messages)).toEqual(['m-0', 'm-1']);
    expect(Object.fromEntries(again.orderCounts)).toEqual({ '0@0': 1, '0@qo0%0': 1, '0@qo0%1': 1 });
    const renewed = await pops.renew(again.messages[1], 300);
    expect(renewed.response.code).toBe(ResponseCode.SUCCESS);
    await pops.ack(again.messages[0]);
    expect(bodies((await pops.popUntil(topic, order)).messages)).toEqual(['m-1']);
  });

  it('gives an attempt that is repeated what it had', async () => {
    const topic = await topicWith(...numbered(2));
    const pops = consumer();
    const order = { queueId: 0, order: true, attemptId: 'attempt-1' };
    await pops.pop(topic, order);
    const repeated = await pops.pop(topic, order);
    expect(bodies(repeated.messages)).toEqual(['m-0', 'm-1']);
    expect(repeated.orderCounts.get('0@0')).toBe(0);
    expect((await pops.pop(topic, { ...order, attemptId: 'attempt-2' })).messages).toEqual([]);
  });
});

describe('deleted topics', () => {
  it('take what was popped of them along', async () => {
    const topic = await topicWith(...numbered(3));
    const pops = consumer();
    await pops.pop(topic, { invisibleTime: 1_000 });
    await client.request(RequestCode.DELETE_TOPIC_IN_BROKER, { topic });
    await client.request(
      RequestCode.UPDATE_AND_CREATE_TOPIC,
      encodeUpdateAndCreateTopicRequest({
        topic,
        defaultTopic: 'TBW102',
        readQueueNums: 1,
        writeQueueNums: 1,
        perm: 6,
        topicFilterType: 'SINGLE_TAG',
        topicSysFlag: 0,
        order: false,
        attributes: undefined,
        force: false,
      }),
    );
    await client.send(topic, 'new', { queueId: 0 });
    expect(bodies((await pops.popUntil(topic)).messages)).toEqual(['new']);
    expect((await pops.pop(topic, { pollTime: 1_500 })).messages).toEqual([]);
  });

  it('end the pop that waits, and refuse what is said of their messages', async () => {
    const topic = await topicWith('m-0');
    const pops = consumer();
    const [message] = (await pops.pop(topic)).messages;
    const waiting = pops.pop(topic, { pollTime: 2_000 });
    await waitFor(async () => (await pops.pollingNum(topic)) === 1, 'it waits');
    await client.request(RequestCode.DELETE_TOPIC_IN_BROKER, { topic });
    expect((await waiting).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect((await pops.ack(message)).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect((await pops.renew(message, 1_000)).response.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });
});

describe('a deleted group', () => {
  it('is refused its pop that waits, gets nothing back, and leaves other groups their messages', async () => {
    const topic = await topicWith('m-0');
    const pops = consumer();
    const [message] = (await pops.pop(topic, { invisibleTime: 60_000 })).messages;
    const waiting = pops.pop(topic, { pollTime: 15_000 });
    await waitFor(async () => (await pops.pollingNum(topic)) === 1, 'it waits');
    await client.request(
      RequestCode.DELETE_SUBSCRIPTIONGROUP,
      encodeDeleteSubscriptionGroupRequest({ groupName: pops.group, cleanOffset: true }),
    );
    await client.send(topic, 'm-1', { queueId: 0 });
    expect((await waiting).code).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
    expect((await pops.ack(message)).code).toBe(ResponseCode.SUCCESS);
    expect(bodies((await consumer().pop(topic)).messages)).toEqual(['m-0', 'm-1']);
  });
});
