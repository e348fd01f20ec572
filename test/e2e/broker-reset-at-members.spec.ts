import type { RemotingCommand } from '@rocknest/protocol';
import {
  decodeResetOffsetBody,
  encodeInvokeBrokerToResetOffsetRequest,
  encodeUpdateConsumerOffsetRequest,
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
  client.remoting.registerHandler(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, (request) => {
    client.received.push(request);
  });
  clients.push(client);
  return client;
}

beforeAll(async () => {
  cluster = await startCluster({ broker: { useServerSideResetOffset: false, defaultTopicQueueNums: 1 } });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

afterAll(() => cluster.stop());

async function reset(
  client: BrokerClient,
  topic: string,
  group: string,
  timestamp: number,
  isForce = true,
): Promise<RemotingCommand> {
  return client.request(
    RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
    encodeInvokeBrokerToResetOffsetRequest({ topic, group, timestamp, isForce, queueId: -1, offset: undefined }),
  );
}

const offsetsOf = (command: RemotingCommand): Record<number, number> =>
  Object.fromEntries(
    decodeResetOffsetBody(command.bodyBuffer).offsetTable.map(({ queue, value }) => [queue.queueId, value]),
  );

async function groupAt(client: BrokerClient, offset: number): Promise<{ topic: string; group: string }> {
  const topic = uniqueName('reset');
  const group = uniqueName('group');
  for (let i = 0; i < 6; i++) await client.send(topic, `m${i}`);
  await client.heartbeat(group, { [topic]: '*' });
  const fields = encodeUpdateConsumerOffsetRequest({
    consumerGroup: group,
    topic,
    queueId: 0,
    commitOffset: offset,
  });
  await client.request(RequestCode.UPDATE_CONSUMER_OFFSET, fields);
  return { topic, group };
}

describe('a reset that the members do (useServerSideResetOffset=false)', () => {
  it('is told to every member, to C++ clients in the form that they read', async () => {
    const client = newClient();
    const { topic, group } = await groupAt(client, 4);
    const cpp = newClient();
    cpp.language = 'CPP';
    await cpp.heartbeat(group, { [topic]: '*' });
    const resets = (of: BrokerClient): RemotingCommand[] =>
      of.received.filter(({ code }) => code === RequestCode.RESET_CONSUMER_CLIENT_OFFSET);
    expect(offsetsOf(await reset(client, topic, group, 0))).toEqual({ 0: 0 });
    await waitFor(() => resets(client).length === 1 && resets(cpp).length === 1, 'both to be told');
    expect(resets(client)[0].isOneway).toBe(true);
    expect(resets(client)[0].bodyBuffer.toString()).toMatch(/^\{"offsetTable":\{\{/);
    expect(resets(cpp)[0].bodyBuffer.toString()).toMatch(/^\{"offsetTable":\[\{"brokerName":.*"offset":0,/);
    expect(offsetsOf(resets(cpp)[0])).toEqual(offsetsOf(resets(client)[0]));
    expect(resets(cpp)[0].field('timestamp')).toBe('0');
  });

  it('moves backwards only, unless it is forced', async () => {
    const client = newClient();
    const { topic, group } = await groupAt(client, 4);
    expect(offsetsOf(await reset(client, topic, group, -1, false))).toEqual({ 0: 4 });
    expect(offsetsOf(await reset(client, topic, group, 0, false))).toEqual({ 0: 0 });
    expect(offsetsOf(await reset(client, topic, group, -1, true))).toEqual({ 0: 6 });
  });

  it('is refused when nobody is online, and when the group has no offsets', async () => {
    const client = newClient();
    const member = newClient();
    const { topic, group } = await groupAt(member, 4);
    expect(await reset(client, topic, uniqueName('group'), 0)).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: expect.stringContaining('not exist') as string,
    });
    await member.close();
    await waitFor(
      async () => (await reset(client, topic, group, 0)).code === ResponseCode.CONSUMER_NOT_ONLINE,
      'the group to be offline',
    );
    expect((await reset(client, 'no_such_topic', group, 0)).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });
});
