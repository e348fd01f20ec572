import { RequestCode, ResponseCode, tagsCodeOf } from '@rocknest/protocol';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { uniqueName } from '../support/unique-name.js';
import { waitFor } from '../support/wait-for.js';

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

async function topicWith(...bodies: string[]): Promise<string> {
  const topic = uniqueName('topic');
  for (const body of bodies) await client.send(topic, body, { propertyMap: { TAGS: body.split('-')[0] } });
  return topic;
}

describe('pulling', () => {
  it('hands out messages from an offset on', async () => {
    const topic = await topicWith('a-0', 'b-1', 'a-2');
    const reply = await client.pull('viewer', topic, 1, { subscription: '*' });
    expect(reply).toMatchObject({
      code: ResponseCode.SUCCESS,
      remark: 'FOUND',
      nextBeginOffset: 3,
      minOffset: 0,
      maxOffset: 3,
      suggestWhichBrokerId: 0,
      topicSysFlag: 0,
      groupSysFlag: 0,
    });
    expect(reply.messages.map(({ body }) => body.toString())).toEqual(['b-1', 'a-2']);
  });

  it('serves LITE_PULL_MESSAGE alike', async () => {
    const topic = await topicWith('a-0');
    const reply = await client.pull('viewer', topic, 0, { subscription: '*', code: RequestCode.LITE_PULL_MESSAGE });
    expect(reply.messages).toHaveLength(1);
  });

  it('hands out no more than asked for, and at most 32', async () => {
    const topic = await topicWith(...Array.from({ length: 40 }, (_, i) => `m-${i}`));
    expect((await client.pull('viewer', topic, 0, { subscription: '*', maxMsgNums: 5 })).messages).toHaveLength(5);
    const reply = await client.pull('viewer', topic, 0, { subscription: '*', maxMsgNums: 1_000 });
    expect(reply.messages).toHaveLength(32);
    expect(reply.nextBeginOffset).toBe(32);
  });

  it('filters by the tags of the pull', async () => {
    const topic = await topicWith('a-0', 'b-1', 'c-2', 'a-3');
    const reply = await client.pull('viewer', topic, 0, { subscription: 'a || c' });
    expect(reply.messages.map(({ body }) => body.toString())).toEqual(['a-0', 'c-2', 'a-3']);
    const none = await client.pull('viewer', topic, 0, { subscription: 'nobody' });
    expect(none).toMatchObject({ code: ResponseCode.PULL_RETRY_IMMEDIATELY, nextBeginOffset: 4 });
  });

  it('lets tags of the same hash through, for the client to tell apart', async () => {
    expect(tagsCodeOf('Aa')).toBe(tagsCodeOf('BB'));
    const topic = await topicWith('Aa-0', 'BB-1');
    expect((await client.pull('viewer', topic, 0, { subscription: 'Aa' })).messages).toHaveLength(2);
  });

  it.each([
    ['behind the end', 5, ResponseCode.PULL_OFFSET_MOVED, 'OFFSET_OVERFLOW_BADLY', 2],
    ['at the end', 2, ResponseCode.PULL_NOT_FOUND, 'OFFSET_OVERFLOW_ONE', 2],
    ['before the beginning', -1, ResponseCode.PULL_OFFSET_MOVED, 'OFFSET_TOO_SMALL', 0],
  ])('answers an offset %s', async (_, offset, code, remark, nextBeginOffset) => {
    const topic = await topicWith('a-0', 'a-1');
    const reply = await client.pull('viewer', topic, offset, { subscription: '*' });
    expect(reply).toMatchObject({ code, remark, nextBeginOffset });
  });

  it('answers an empty queue: nothing yet at 0, wrong elsewhere', async () => {
    const topic = await topicWith('a-0');
    const empty = await client.pull('viewer', topic, 0, { queueId: 1, subscription: '*' });
    expect(empty.code).toBe(ResponseCode.PULL_NOT_FOUND);
    const wrong = await client.pull('viewer', topic, 7, { queueId: 1, subscription: '*' });
    expect(wrong).toMatchObject({ code: ResponseCode.PULL_OFFSET_MOVED, nextBeginOffset: 0 });
  });
});

describe('long polling', () => {
  it('answers a parked pull when a message arrives', async () => {
    const topic = await topicWith('a-0');
    const parked = client.pull('viewer', topic, 1, { subscription: '*', suspend: true });
    await client.send(topic, 'a-1');
    const reply = await parked;
    expect(reply.code).toBe(ResponseCode.SUCCESS);
    expect(reply.messages.map(({ body }) => body.toString())).toEqual(['a-1']);
  });

  it('is not woken by messages that its filter does not want', async () => {
    const topic = await topicWith('a-0');
    let answered = false;
    const parked = client.pull('viewer', topic, 1, { subscription: 'b', suspend: true });
    void parked.then(() => (answered = true));
    await client.send(topic, 'a-1', { propertyMap: { TAGS: 'a' } });
    await client.send(topic, 'a-2', { propertyMap: { TAGS: 'a' } });
    expect(answered).toBe(false);
    await client.send(topic, 'b-3', { propertyMap: { TAGS: 'b' } });
    const reply = await parked;
    expect(reply.messages.map(({ body }) => body.toString())).toEqual(['b-3']);
    expect(reply.nextBeginOffset).toBe(4);
  });

  it('answers "nothing found" when its time is over', async () => {
    const topic = await topicWith('a-0');
    const reply = await client.pull('viewer', topic, 1, {
      subscription: '*',
      suspend: true,
      suspendTimeoutMillis: 300,
    });
    expect(reply).toMatchObject({ code: ResponseCode.PULL_NOT_FOUND, nextBeginOffset: 1 });
  });

  it('wakes many parked pulls of many queues', async () => {
    const topic = await topicWith('a-0');
    const pulls = Array.from({ length: 400 }, (_, i) =>
      client.pull(`viewer_${i % 100}`, topic, i % 4 === 0 ? 1 : 0, {
        queueId: i % 4,
        subscription: '*',
        suspend: true,
      }),
    );
    for (let queueId = 0; queueId < 4; queueId++) await client.send(topic, 'wake', { queueId });
    const replies = await Promise.all(pulls);
    expect(replies.every(({ messages }) => messages[0]?.body.toString() === 'wake')).toBe(true);
  });

  it('forgets the parked pulls of a client that went away, and goes on', async () => {
    const topic = await topicWith('a-0');
    const other = new BrokerClient(cluster.brokers[0].address);
    const parked = other.pull('viewer', topic, 1, { subscription: '*', suspend: true });
    const failed = expect(parked).rejects.toThrow();
    await waitFor(() => other.remoting.connections().size === 1, 'the connection');
    await other.close();
    await failed;
    await client.send(topic, 'a-1');
    expect((await client.pull('viewer', topic, 1, { subscription: '*' })).messages).toHaveLength(1);
  });
});

describe('admission of pulls', () => {
  it('checks group, topic, queue and subscription, in this order', async () => {
    const topic = await topicWith('a-0');
    const group = uniqueName('group');
    const cases: [Promise<{ code: number; remark: string | undefined }>, number][] = [
      [client.pull('bad group', topic, 0), ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST],
      [client.pull(group, uniqueName('missing'), 0), ResponseCode.TOPIC_NOT_EXIST],
      [client.pull(group, topic, 0, { queueId: 99 }), ResponseCode.INVALID_PARAMETER],
      [client.pull(group, topic, 0), ResponseCode.SUBSCRIPTION_NOT_EXIST],
      [
        client.pull(group, topic, 0, { subscription: 'a =', expressionType: 'SQL92' }),
        ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      ],
    ];
    for (const [pull, code] of cases) expect(await pull).toMatchObject({ code });
  });

  it('uses the subscription of the heartbeat', async () => {
    const topic = await topicWith('a-0', 'b-1');
    const group = uniqueName('group');
    await client.heartbeat(group, { [topic]: 'b' }, { subVersion: 10 });
    const reply = await client.pull(group, topic, 0, { subVersion: 10 });
    expect(reply.messages.map(({ body }) => body.toString())).toEqual(['b-1']);
    expect((await client.pull(group, topic, 0, { subVersion: 11 })).code).toBe(ResponseCode.SUBSCRIPTION_NOT_LATEST);
    await client.heartbeat(group, {}, { subVersion: 12 });
    expect((await client.pull(group, topic, 0)).code).toBe(ResponseCode.SUBSCRIPTION_NOT_EXIST);
  });
});
