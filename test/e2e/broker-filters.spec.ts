import {
  buildSql92SubscriptionData,
  buildSubscriptionData,
  encodeCheckClientRequestBody,
  retryTopicOf,
  RequestCode,
  type RemotingCommand,
  ResponseCode,
  type SubscriptionData,
} from '@rocknest/protocol';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient, type PullReply } from '../support/broker-client.js';
import { uniqueName } from '../support/unique-name.js';
import { waitFor } from '../support/wait-for.js';

const SQL92 = 'SQL92';
let cluster: RunningCluster;
let client: BrokerClient;

beforeAll(async () => {
  cluster = await startCluster({ broker: { filterSupportRetry: true } });
  client = new BrokerClient(cluster.brokers[0].address);
});

afterAll(async () => {
  await client.close();
  await cluster.stop();
});

/** Messages whose body is their amount. */
async function topicWith(...amounts: number[]): Promise<string> {
  const topic = uniqueName('topic');
  for (const amount of amounts) await sendAmount(topic, amount);
  return topic;
}

async function sendAmount(topic: string, amount: number): Promise<void> {
  const propertyMap = { amount: String(amount), region: amount % 2 === 0 ? 'even' : 'odd' };
  await client.send(topic, String(amount), { propertyMap });
}

function bodies({ messages }: PullReply): string[] {
  return messages.map(({ body }) => body.toString());
}

function check(subscriptionData: SubscriptionData | undefined, at = client): Promise<RemotingCommand> {
  const body = encodeCheckClientRequestBody({ clientId: 'c', group: 'g', subscriptionData });
  return at.request(RequestCode.CHECK_CLIENT_CONFIG, {}, body);
}

describe('SQL92 filters', () => {
  it('of a pull that brings its expression along', async () => {
    const topic = await topicWith(1, 2, 3, 4, 5, 6);
    const pull = (subscription: string, rest = {}): Promise<PullReply> =>
      client.pull('viewer', topic, 0, { subscription, expressionType: SQL92, ...rest });
    const reply = await pull("region = 'even' AND amount BETWEEN 3 AND 100");
    expect(reply).toMatchObject({ code: ResponseCode.SUCCESS, remark: 'FOUND', nextBeginOffset: 6, maxOffset: 6 });
    expect(bodies(reply)).toEqual(['4', '6']);
    const first = await pull('amount > 1', { maxMsgNums: 2 });
    expect(bodies(first)).toEqual(['2', '3']);
    expect(first.nextBeginOffset).toBe(3);
    const none = await pull('missing = 1');
    expect(none).toMatchObject({ code: ResponseCode.PULL_RETRY_IMMEDIATELY, nextBeginOffset: 6 });
    // What cannot be compared does not match, and hurts nobody.
    expect((await pull('region > 5')).code).toBe(ResponseCode.PULL_RETRY_IMMEDIATELY);
    expect(await pull('amount > ')).toMatchObject({
      code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      remark: expect.stringContaining('wrong at line 1, column 10') as string,
    });
    expect((await pull(' ')).code).toBe(ResponseCode.SUBSCRIPTION_PARSE_FAILED);
    expect(await pull('*', { expressionType: 'XPATH' })).toMatchObject({
      code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      remark: expect.stringContaining('XPATH') as string,
    });
  });

  it('of the subscription in the heartbeat, until a newer one replaces it', async () => {
    const topic = await topicWith(1, 2, 3);
    const group = uniqueName('group');
    const pull = (subVersion: number): Promise<PullReply> =>
      client.pull(group, topic, 0, { expressionType: SQL92, subVersion });
    await client.heartbeat(group, { [topic]: 'amount >= 2' }, { expressionType: SQL92, subVersion: 5 });
    expect(bodies(await pull(5))).toEqual(['2', '3']);
    expect((await pull(6)).code).toBe(ResponseCode.SUBSCRIPTION_NOT_LATEST);
    await client.heartbeat(group, { [topic]: 'amount < 2' }, { expressionType: SQL92, subVersion: 4 });
    expect(bodies(await pull(5))).toEqual(['2', '3']);
    await client.heartbeat(group, { [topic]: 'amount < 2' }, { expressionType: SQL92, subVersion: 6 });
    expect(bodies(await pull(6))).toEqual(['1']);
    await client.heartbeat(group, { [topic]: 'amount <' }, { expressionType: SQL92, subVersion: 7 });
    expect(await pull(7)).toMatchObject({
      code: ResponseCode.FILTER_DATA_NOT_EXIST,
      remark: expect.stringContaining('column 9') as string,
    });
    await client.heartbeat(group, { [topic]: '*' }, { subVersion: 8 });
    expect(bodies(await pull(8))).toEqual(['1', '2', '3']);
  });

  it('leave a pull parked until a message comes that they let through', async () => {
    const topic = await topicWith(1);
    const options = { subscription: 'amount = 7', expressionType: SQL92, suspend: true };
    let reply: PullReply | undefined;
    void client.pull('viewer', topic, 1, options).then((answer) => (reply = answer));
    const other = new BrokerClient(cluster.brokers[0].address);
    // Each of them wakes the pull: were it answered, it would be before the answer of the next send is here.
    for (const amount of [2, 3, 4]) {
      await other.send(topic, 'no', { propertyMap: { amount: String(amount) } });
      const looked = await other.pull('viewer', topic, 1, { subscription: '*' });
      expect(looked.maxOffset).toBe(amount);
      expect(reply).toBeUndefined();
    }
    await other.send(topic, 'yes', { propertyMap: { amount: '7' } });
    const answer = await waitFor(() => reply, 'the parked pull');
    expect(bodies(answer)).toEqual(['yes']);
    expect(answer.nextBeginOffset).toBe(5);
    await other.close();
  });

  it('tell how far a parked pull looked when its time is over', async () => {
    const topic = await topicWith(1);
    const parked = client.pull('viewer', topic, 1, {
      subscription: 'amount = 7',
      expressionType: SQL92,
      suspend: true,
      suspendTimeoutMillis: 300,
    });
    const other = new BrokerClient(cluster.brokers[0].address);
    await other.send(topic, 'no');
    await other.send(topic, 'no');
    expect(await parked).toMatchObject({ nextBeginOffset: 3, messages: [] });
    await other.close();
  });

  it('get over many messages that do not match, a bounded part at a time', async () => {
    const topic = uniqueName('topic');
    for (let i = 0; i < 20; i++)
      await client.sendBatch(
        topic,
        Array.from({ length: 100 }, (_, k) => `${i}-${k}`),
      );
    await client.send(topic, 'needle', { propertyMap: { amount: '7' } });
    const seen: number[] = [];
    let reply: PullReply;
    let offset = 0;
    do {
      reply = await client.pull('viewer', topic, offset, { subscription: 'amount = 7', expressionType: SQL92 });
      expect(reply.nextBeginOffset).toBeGreaterThan(offset);
      seen.push(reply.nextBeginOffset! - offset);
      offset = reply.nextBeginOffset!;
    } while (reply.code === ResponseCode.PULL_RETRY_IMMEDIATELY);
    expect(bodies(reply)).toEqual(['needle']);
    expect(offset).toBe(2_001);
    expect(Math.max(...seen)).toBeLessThan(900);
  });

  it('test messages of a retry topic by the topic that they came from (filterSupportRetry)', async () => {
    const topic = await topicWith(1);
    const group = uniqueName('group');
    const retryTopic = retryTopicOf(group);
    const subscriptions = { [topic]: 'amount > 5', [retryTopic]: 'TRUE' };
    await client.heartbeat(group, subscriptions, { expressionType: SQL92 });
    for (const [amount, origin] of [
      ['9', topic],
      ['1', topic],
      ['1', 'elsewhere'],
    ]) {
      await client.send(retryTopic, `${amount} ${origin}`, { propertyMap: { amount, RETRY_TOPIC: origin } });
    }
    const reply = await client.pull(group, retryTopic, 0, { expressionType: SQL92, subVersion: 1 });
    expect(bodies(reply)).toEqual([`9 ${topic}`, '1 elsewhere']);
  });

  it('are checked for a consumer that starts', async () => {
    expect((await check(undefined)).code).toBe(ResponseCode.SUCCESS);
    expect((await check(buildSubscriptionData('t', 'a || b'))).code).toBe(ResponseCode.SUCCESS);
    expect((await check(buildSql92SubscriptionData('t', 'a = 1'))).code).toBe(ResponseCode.SUCCESS);
    expect(await check(buildSql92SubscriptionData('t', 'a == 1'))).toMatchObject({
      code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      remark: expect.stringContaining('line 1, column 4') as string,
    });
  });

  it('are refused while enablePropertyFilter is off', async () => {
    const plain = await startCluster({ broker: { enablePropertyFilter: false } });
    const other = new BrokerClient(plain.brokers[0].address);
    await other.send('t', 'x');
    const refusal = {
      code: ResponseCode.SYSTEM_ERROR,
      remark: expect.stringContaining('filter message by SQL92') as string,
    };
    expect(await other.pull('viewer', 't', 0, { subscription: 'a = 1', expressionType: SQL92 })).toMatchObject(refusal);
    expect(await check(buildSql92SubscriptionData('t', 'a = 1'), other)).toMatchObject(refusal);
    await other.close();
    await plain.stop();
  });
});
