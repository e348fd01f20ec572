import {
  decodeConsumerOffsetWrapper,
  decodeLockBatchResponseBody,
  decodeTopicRouteData,
  encodeGetRouteInfoByTopicRequest,
  encodeLockBatchRequestBody,
  encodeNotifyMinBrokerIdChangeRequest,
  encodeUpdateConsumerOffsetRequest,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { waitFor } from '../support/wait-for.js';
import { BrokerGroup } from './support/broker-group.js';
import { uniqueName } from './support/clients.js';

const PATIENCE_MS = 30_000;
const READ_ONLY = 4;
const READ_WRITE = 6;

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
});

function startGroup(enableSlaveActingMaster: boolean): BrokerGroup {
  const namesrv = { supportActingMaster: true, notifyMinBrokerIdChanged: true };
  const group = new BrokerGroup({ enableSlaveActingMaster, brokerHeartbeatInterval: 100 }, namesrv);
  closers.push(() => group.close());
  return group;
}

function clientOf(address: string): BrokerClient {
  const client = new BrokerClient(address);
  closers.push(() => client.close());
  return client;
}

interface Route {
  readonly addrs: Record<number, string>;
  readonly perm: number | undefined;
}

async function routeOf(namesrv: BrokerClient, topic: string): Promise<Route> {
  const fields = encodeGetRouteInfoByTopicRequest({ topic, acceptStandardJsonOnly: true });
  const { code, bodyBuffer } = await namesrv.request(RequestCode.GET_ROUTEINFO_BY_TOPIC, fields);
  if (code !== ResponseCode.SUCCESS) return { addrs: {}, perm: undefined };
  const { brokerDatas, queueDatas } = decodeTopicRouteData(bodyBuffer);
  return { addrs: Object.fromEntries(brokerDatas[0].brokerAddrs), perm: queueDatas[0].perm };
}

async function routeBecomes(namesrv: BrokerClient, topic: string, wanted: Route): Promise<void> {
  let last: Route | undefined;
  await waitFor(
    async () => {
      last = await routeOf(namesrv, topic);
      return JSON.stringify(last) === JSON.stringify(wanted);
    },
    `the route to be ${JSON.stringify(wanted)}`,
    PATIENCE_MS,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is ${JSON.stringify(last)}`);
  });
}

async function lock(client: BrokerClient, consumerGroup: string, clientId: string, topic: string): Promise<number> {
  const mqSet = [0, 1].map((queueId) => ({ topic, brokerName: 'broker-a', queueId }));
  const body = encodeLockBatchRequestBody({ consumerGroup, clientId, mqSet, onlyThisBroker: false });
  const answer = await client.request(RequestCode.LOCK_BATCH_MQ, {}, body);
  return decodeLockBatchResponseBody(answer.bodyBuffer).lockOKMQSet.length;
}

async function commit(client: BrokerClient, topic: string, consumerGroup: string, commitOffset: number): Promise<void> {
  const fields = encodeUpdateConsumerOffsetRequest({ consumerGroup, topic, queueId: 0, commitOffset });
  expect((await client.request(RequestCode.UPDATE_CONSUMER_OFFSET, fields)).code).toBe(ResponseCode.SUCCESS);
}

async function offsetOf(client: BrokerClient, topic: string, consumers: string): Promise<number | undefined> {
  const { bodyBuffer } = await client.request(RequestCode.GET_ALL_CONSUMER_OFFSET);
  return decodeConsumerOffsetWrapper(bodyBuffer).offsetTable.get(`${topic}@${consumers}`)?.get(0);
}

describe('enableSlaveActingMaster', () => {
  it('lets the first slave stand in for its master: locks, offsets and reads, no sends; the master takes over what was committed', async () => {
    const group = startGroup(true);
    const master = await group.start(0);
    const [first, second] = [await group.start(1), await group.start(2)];
    const namesrv = clientOf(group.namesrvAddr);
    const [topic, consumers] = [uniqueName('topic'), uniqueName('group')];
    const client = clientOf(master.address);
    for (let i = 0; i < 5; i++)
      expect((await client.send(topic, `${i}`, { queueId: 0 })).code).toBe(ResponseCode.SUCCESS);
    await client.heartbeat(consumers, { [topic]: '*' });
    await commit(client, topic, consumers, 1);
    const whole = { addrs: { 0: master.address, 1: first.address, 2: second.address }, perm: READ_WRITE };
    await routeBecomes(namesrv, topic, whole);
    await group.replicated();
    const acting = clientOf(first.address);
    // A master hands its offsets over only to slaves that it has heard of.
    await waitFor(async () => (await offsetOf(acting, topic, consumers)) === 1, 'the offset at the slave', PATIENCE_MS);
    await commit(client, topic, consumers, 2);

    await group.stop(0);
    await routeBecomes(namesrv, topic, { addrs: { 0: first.address, 2: second.address }, perm: READ_ONLY });
    expect(await offsetOf(acting, topic, consumers)).toBe(2);
    await acting.heartbeat(consumers, { [topic]: '*' });
    expect(await lock(acting, consumers, 'one', topic)).toBe(2);
    expect(await lock(acting, consumers, 'other', topic)).toBe(0);
    const { messages } = await acting.pull(consumers, topic, 1, { subscription: '*' });
    expect(messages.map(({ body }) => body.toString())).toEqual(['1', '2', '3', '4']);
    await commit(acting, topic, consumers, 4);
    expect((await acting.send(topic, 'no')).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE);

    const again = await group.start(0);
    expect(await offsetOf(clientOf(again.address), topic, consumers)).toBe(4);
    await routeBecomes(namesrv, topic, { ...whole, addrs: { ...whole.addrs, 0: again.address } });
    expect((await clientOf(again.address).send(topic, 'yes', { queueId: 0 })).code).toBe(ResponseCode.SUCCESS);
    await group.replicated();
    expect(await offsetOf(acting, topic, consumers)).toBe(4);
  });

  it('is off by default: nobody stands in', async () => {
    const group = startGroup(false);
    await group.start(0);
    const slave = await group.start(1);
    const namesrv = clientOf(group.namesrvAddr);
    const topic = uniqueName('topic');
    const client = clientOf((await routeOf(namesrv, 'TBW102')).addrs[0]);
    expect((await client.send(topic, 'x')).code).toBe(ResponseCode.SUCCESS);
    await group.replicated();
    await group.stop(0);
    await routeBecomes(namesrv, topic, { addrs: { 1: slave.address }, perm: READ_WRITE });
  });

  it('takes the word of whoever says that the master changed for nothing but a reason to ask the namesrvs', async () => {
    const group = startGroup(true);
    await group.start(0);
    const slave = await group.start(1);
    const stranger = clientOf(slave.address);
    const fields = encodeNotifyMinBrokerIdChangeRequest({ minBrokerId: 1, brokerName: 'broker-a' });
    expect((await stranger.request(RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE, fields)).code).toBe(ResponseCode.SUCCESS);
    const namesrv = clientOf(group.namesrvAddr);
    expect(Object.keys((await routeOf(namesrv, 'TBW102')).addrs)).toEqual(['0', '1']);
    expect((await stranger.send('TBW102', 'x')).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE);
  });
});
