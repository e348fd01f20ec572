import type { RemotingCommand } from '@rocknest/protocol';
import {
  decodeQueryConsumerOffsetResponse,
  decodeResetOffsetBody,
  encodeInvokeBrokerToResetOffsetRequest,
  encodeQueryConsumerOffsetRequest,
  encodeUpdateConsumerOffsetRequest,
  type InvokeBrokerToResetOffsetRequest,
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
  cluster = await startCluster();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

afterAll(() => cluster.stop());

/** A topic with `count` messages in queue 0, and a group that exists. */
async function topicAndGroup(client: BrokerClient, count: number): Promise<{ topic: string; group: string }> {
  const topic = uniqueName('reset');
  const group = uniqueName('group');
  for (let i = 0; i < count; i++) await client.send(topic, `m${i}`);
  const joined = new BrokerClient(cluster.brokers[0].address);
  await joined.heartbeat(group, { [topic]: '*' });
  await joined.close();
  return { topic, group };
}

async function reset(
  client: BrokerClient,
  header: Partial<InvokeBrokerToResetOffsetRequest> & { topic: string; group: string },
): Promise<{ code: number; remark: string | undefined; offsets: Record<number, number> }> {
  const fields = encodeInvokeBrokerToResetOffsetRequest({
    timestamp: -1,
    isForce: true,
    queueId: -1,
    offset: undefined,
    ...header,
  });
  const response = await client.request(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, fields);
  const table = response.code === ResponseCode.SUCCESS ? decodeResetOffsetBody(response.bodyBuffer).offsetTable : [];
  return {
    code: response.code,
    remark: response.remark,
    offsets: Object.fromEntries(table.map(({ queue, value }) => [queue.queueId, value])),
  };
}

async function committed(client: BrokerClient, consumerGroup: string, topic: string): Promise<number> {
  const fields = encodeQueryConsumerOffsetRequest({ consumerGroup, topic, queueId: 0, setZeroIfNotFound: false });
  const response = await client.request(RequestCode.QUERY_CONSUMER_OFFSET, fields);
  return response.code === ResponseCode.SUCCESS ? decodeQueryConsumerOffsetResponse(response).offset : -response.code;
}

function commit(client: BrokerClient, consumerGroup: string, topic: string, offset: number): Promise<RemotingCommand> {
  return client.request(
    RequestCode.UPDATE_CONSUMER_OFFSET,
    encodeUpdateConsumerOffsetRequest({ consumerGroup, topic, queueId: 0, commitOffset: offset }),
  );
}

describe('offsets that an administrator resets', () => {
  it('of a group that is offline: to the end, to a time, to an offset; who comes next starts there', async () => {
    const client = newClient();
    const { topic, group } = await topicAndGroup(client, 6);
    expect(await reset(client, { topic, group })).toMatchObject({ code: 0, offsets: { 0: 6, 1: 0, 2: 0, 3: 0 } });
    expect(await committed(client, group, topic)).toBe(6);
    expect(await reset(client, { topic, group, timestamp: 0 })).toMatchObject({ offsets: { 0: 0 } });
    expect(await committed(client, group, topic)).toBe(0);
    const future = Date.now() + 3_600_000;
    expect(await reset(client, { topic, group, timestamp: future })).toMatchObject({ offsets: { 0: 6 } });
    expect(await reset(client, { topic, group, queueId: 0, offset: 2 })).toMatchObject({ offsets: { 0: 2 } });
    await client.heartbeat(group, { [topic]: '*' });
    expect(await committed(client, group, topic)).toBe(2);
    expect((await client.pull(group, topic, 2)).messages).toHaveLength(4);
    expect((await commit(client, group, topic, 6)).remark).toBeUndefined();
    expect(await committed(client, group, topic)).toBe(6);
  });

  it('of a group that is online: the next pull tells it, and until then nothing that it commits counts', async () => {
    const client = newClient();
    const { topic, group } = await topicAndGroup(client, 6);
    await client.heartbeat(group, { [topic]: '*' });
    await commit(client, group, topic, 5);
    expect(await reset(client, { topic, group, queueId: 0, offset: 1 })).toMatchObject({ offsets: { 0: 1 } });
    expect(await commit(client, group, topic, 6)).toMatchObject({
      code: ResponseCode.SUCCESS,
      remark: 'Offset has been previously reset',
    });
    expect(await committed(client, group, topic)).toBe(1);
    const told = await client.pull(group, topic, 6, { commitOffset: 6 });
    expect(told).toMatchObject({ code: ResponseCode.PULL_OFFSET_MOVED, remark: 'OFFSET_RESET', nextBeginOffset: 1 });
    expect(await committed(client, group, topic)).toBe(1);
    expect((await client.pull(group, topic, 1)).messages).toHaveLength(5);
    await commit(client, group, topic, 3);
    expect(await committed(client, group, topic)).toBe(3);
  });

  it('are told to the owner of the queue though a pull of a former owner is still parked', async () => {
    const [former, owner] = [newClient(), newClient()];
    const { topic, group } = await topicAndGroup(former, 3);
    for (const member of [former, owner]) await member.heartbeat(group, { [topic]: '*' });
    const left = former.pull(group, topic, 3, { suspend: true, suspendTimeoutMillis: 110_000 });
    await waitFor(async () => {
      await reset(owner, { topic, group, timestamp: 0 });
      return Promise.race([left.then(() => true), new Promise((resolve) => setTimeout(() => resolve(false), 100))]);
    }, 'the pull that was left to be answered');
    const told = await owner.pull(group, topic, 3, { commitOffset: 3 });
    expect(told).toMatchObject({ code: ResponseCode.PULL_OFFSET_MOVED, nextBeginOffset: 0 });
    await commit(owner, group, topic, 0);
    expect((await owner.pull(group, topic, 0)).messages).toHaveLength(3);
    await commit(owner, group, topic, 2);
    expect(await committed(owner, group, topic)).toBe(2);
  });

  it('a pull that is parked is told at once', async () => {
    const client = newClient();
    const { topic, group } = await topicAndGroup(client, 3);
    await client.heartbeat(group, { [topic]: '*' });
    // Nothing else ends it before the test's time is over.
    const parked = client.pull(group, topic, 3, { suspend: true, suspendTimeoutMillis: 110_000 });
    const other = newClient();
    await waitFor(async () => {
      await reset(other, { topic, group, timestamp: 0 });
      return Promise.race([parked.then(() => true), new Promise((resolve) => setTimeout(() => resolve(false), 100))]);
    }, 'the parked pull to be answered');
    expect(await parked).toMatchObject({ code: ResponseCode.PULL_OFFSET_MOVED, nextBeginOffset: 0 });
  });

  it('a tool may set the offset of a group whose members left before they were told', async () => {
    const client = newClient();
    const { topic, group } = await topicAndGroup(client, 6);
    const member = newClient();
    await member.heartbeat(group, { [topic]: '*' });
    await reset(client, { topic, group, queueId: 0, offset: 1 });
    await member.close();
    await waitFor(async () => {
      await commit(client, group, topic, 4);
      return (await committed(client, group, topic)) === 4;
    }, 'the member to be gone');
    await client.heartbeat(group, { [topic]: '*' });
    expect((await client.pull(group, topic, 4)).messages).toHaveLength(2);
  });

  it('are refused with the reason', async () => {
    const client = newClient();
    const { topic, group } = await topicAndGroup(client, 3);
    expect(await reset(client, { topic: 'no_such_topic', group })).toMatchObject({
      code: ResponseCode.TOPIC_NOT_EXIST,
      remark: 'Topic no_such_topic does not exist',
    });
    expect(await reset(client, { topic, group: 'no_such_group' })).toMatchObject({
      code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
    });
    expect(await reset(client, { topic, group, queueId: 0, offset: 5 })).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: `Target offset 5 not in consume queue range [0-3] of topic ${topic} queue 0`,
    });
    expect(await reset(client, { topic, group, queueId: 9 })).toMatchObject({ code: ResponseCode.INVALID_PARAMETER });
    // The end, and one behind it, may be asked for, as in RocketMQ; -1 is no offset but "look at the time".
    expect(await reset(client, { topic, group, queueId: 0, offset: 4 })).toMatchObject({ offsets: { 0: 4 } });
    expect(await reset(client, { topic, group, queueId: 0, offset: -1 })).toMatchObject({ offsets: { 0: 3 } });
  });
});
