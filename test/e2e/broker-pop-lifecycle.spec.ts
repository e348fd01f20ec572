import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BatchAck,
  decodeMessageRequestModeTable,
  decodeQueryAssignmentResponseBody,
  decodeQueryConsumerOffsetResponse,
  encodeQueryAssignmentRequestBody,
  encodeQueryConsumerOffsetRequest,
  encodeSetMessageRequestModeRequestBody,
  type MessageQueueAssignment,
  type MessageRequestMode,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { type ClusterOptions, type RunningCluster, startCluster } from '@rocknest/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { PopClient, type PoppedMessage } from '../support/pop-client.js';
import { waitFor } from '../support/wait-for.js';

const GROUP = 'popper';
const TOPIC = 'orders';

const cleanups: (() => Promise<unknown>)[] = [];
let storeRoot: string;

beforeEach(async () => {
  storeRoot = await mkdtemp(join(tmpdir(), 'rocknest-pop-'));
  cleanups.push(() => rm(storeRoot, { recursive: true, force: true }));
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Started {
  readonly cluster: RunningCluster;
  readonly client: BrokerClient;
  readonly pops: PopClient;
  stop(): Promise<void>;
}

/** On the same store each time. */
async function start(broker: ClusterOptions['broker'] = {}): Promise<Started> {
  const cluster = await startCluster({ storeRoot, broker });
  const client = new BrokerClient(cluster.brokers[0].address);
  const stop = async (): Promise<void> => {
    await client.close();
    await cluster.stop();
  };
  cleanups.push(stop);
  return { cluster, client, pops: new PopClient(client, GROUP, 'broker-a'), stop };
}

async function fill(client: BrokerClient, count: number, queueId = 0): Promise<void> {
  for (let i = 0; i < count; i++) await client.send(TOPIC, `m-${i}`, { queueId, defaultTopicQueueNums: 8 });
}

async function committed(client: BrokerClient): Promise<number> {
  const fields = encodeQueryConsumerOffsetRequest({
    consumerGroup: GROUP,
    topic: TOPIC,
    queueId: 0,
    setZeroIfNotFound: false,
  });
  return decodeQueryConsumerOffsetResponse(await client.request(RequestCode.QUERY_CONSUMER_OFFSET, fields)).offset;
}

function bodies(messages: readonly PoppedMessage[]): string[] {
  return messages.map(({ body }) => body.toString());
}

describe('a restart', () => {
  it('keeps what was popped from everybody else, takes its acknowledgements, and lets the rest come again in time', async () => {
    const before = await start();
    await fill(before.client, 6);
    const { messages } = await before.pops.pop(TOPIC, { queueId: 0 });
    await before.pops.ackAll(messages.slice(0, 2));
    await before.stop();

    const after = await start();
    expect(bodies((await after.pops.pop(TOPIC, { queueId: 0 })).messages)).toEqual([]);
    await after.pops.ackAll(messages.slice(2, 4));
    const renewed = await after.pops.renew(messages[4], 60_000);
    expect(renewed.response.code).toBe(ResponseCode.SUCCESS);
    await after.pops.renew(messages[5], 0);
    const again = await after.pops.popUntil(TOPIC);
    expect(bodies(again.messages)).toEqual(['m-5']);
    expect(again.messages[0].reconsumeTimes).toBe(1);
    await after.pops.ackAll(again.messages);
    await after.stop();

    const last = await start();
    await last.pops.renew(renewed.message, 0);
    expect(bodies((await last.pops.popUntil(TOPIC)).messages)).toEqual(['m-4']);
    expect((await last.pops.pop(TOPIC, { pollTime: 1_000 })).messages).toEqual([]);
  });

  it('keeps queues blocked that are popped in order', async () => {
    const order = { queueId: 0, order: true, maxMsgNums: 2 };
    const before = await start();
    await fill(before.client, 4);
    const { messages } = await before.pops.pop(TOPIC, { ...order, invisibleTime: 60_000 });
    await before.pops.ack(messages[0]);
    await before.stop();

    const after = await start();
    expect((await after.pops.pop(TOPIC, order)).messages).toEqual([]);
    await after.pops.ack(messages[1]);
    expect(bodies((await after.pops.pop(TOPIC, order)).messages)).toEqual(['m-2', 'm-3']);
  });

  it('keeps request modes, and tells them', async () => {
    const before = await start();
    await fill(before.client, 1);
    await setMode(before.client, 'POP', 2);
    await before.stop();
    const after = await start();
    const table = await after.client.request(RequestCode.GET_ALL_MESSAGE_REQUEST_MODE);
    expect(decodeMessageRequestModeTable(table.bodyBuffer).modes).toEqual([
      { topic: TOPIC, consumerGroup: GROUP, mode: 'POP', popShareQueueNum: 2 },
    ]);
  });
});

describe('settings', () => {
  it('enableRetryTopicV2: what comes again is in a topic of that form', async () => {
    const { client, pops } = await start({ enableRetryTopicV2: true });
    await fill(client, 1);
    await pops.pop(TOPIC, { invisibleTime: 0 });
    const again = await pops.popUntil(TOPIC);
    expect(again.messages[0]).toMatchObject({ topic: TOPIC, storedTopic: `%RETRY%${GROUP}+${TOPIC}` });
    const { ckQueueOffset, popTime, queueId, reviveQid } = handleOf(again.messages[0]);
    const ack: BatchAck = {
      consumerGroup: GROUP,
      topic: TOPIC,
      retry: '2',
      startOffset: ckQueueOffset,
      queueId,
      reviveQueueId: reviveQid,
      popTime,
      invisibleTime: 60_000,
      bitSet: [0],
    };
    expect((await pops.batchAck([ack])).code).toBe(ResponseCode.SUCCESS);
    expect((await pops.renew(again.messages[0], 1_000)).response.code).toBe(ResponseCode.NO_MESSAGE);
  });

  it('popResponseReturnActualRetryTopic: what comes again has the name of its retry topic', async () => {
    const { client, pops } = await start({ popResponseReturnActualRetryTopic: true });
    await fill(client, 1);
    await pops.pop(TOPIC, { invisibleTime: 0 });
    const { messages, header } = await pops.popUntil(TOPIC);
    expect(messages[0].topic).toBe(`%RETRY%${GROUP}_${TOPIC}`);
    expect(header.msgOffsetInfo).toBe('1 0 0');
  });

  it('popInflightMessageThreshold: a queue gives nothing more until some are acknowledged', async () => {
    const { client, pops } = await start({ enablePopMessageThreshold: true, popInflightMessageThreshold: 2 });
    await fill(client, 6);
    const { messages } = await pops.pop(TOPIC, { queueId: 0, maxMsgNums: 3 });
    expect(messages).toHaveLength(3);
    expect(await pops.pop(TOPIC, { queueId: 0 })).toMatchObject({ messages: [], header: { restNum: 3 } });
    const waiting = pops.pop(TOPIC, { queueId: 0, pollTime: 15_000 });
    await waitFor(async () => (await pops.pollingNum(TOPIC, 0)) === 1, 'it waits');
    await pops.ack(messages[0]);
    expect(bodies((await waiting).messages)).toEqual(['m-3', 'm-4', 'm-5']);
  });

  it('popPollingSize, maxPopPollingSize: past them a pop does not wait', async () => {
    const { client, pops } = await start({ popPollingSize: 1 });
    await fill(client, 1);
    await pops.ackAll((await pops.pop(TOPIC)).messages);
    const waiting = pops.pop(TOPIC, { pollTime: 15_000 });
    await waitFor(async () => (await pops.pollingNum(TOPIC)) === 1, 'it waits');
    expect((await pops.pop(TOPIC, { pollTime: 3_000 })).code).toBe(ResponseCode.POLLING_FULL);
    await client.send(TOPIC, 'end');
    expect(bodies((await waiting).messages)).toEqual(['end']);
  });

  it('popCkStayBufferTime: what stays pending is written, and the committed offset passes it', async () => {
    const { client, pops } = await start({ popCkStayBufferTime: 0 });
    await fill(client, 3);
    const { messages } = await pops.pop(TOPIC, { queueId: 0, invisibleTime: 4_000 });
    await waitFor(async () => (await committed(client)) === 3, 'the offset is committed');
    await pops.ackAll(messages.slice(0, 2));
    expect(bodies((await pops.popUntil(TOPIC)).messages)).toEqual(['m-2']);
  });
});

describe('assignments', () => {
  it('share pulls and pops out as the group is set', async () => {
    const { client } = await start();
    await fill(client, 1);
    const others = ['b', 'c', 'd'].map((id) => new BrokerClient(client.address, id));
    const members = [new BrokerClient(client.address, 'a'), ...others];
    for (const member of members) cleanups.push(() => member.close());
    await Promise.all(members.map((member) => member.heartbeat(GROUP, { [TOPIC]: '*' })));

    const pulled = await Promise.all(members.map(({ clientId }) => assigned(client, clientId, 'AVG')));
    expect(pulled.map((queues) => queues?.length)).toEqual([2, 2, 2, 2]);
    expect(pulled.flat().every((one) => one?.mode === 'PULL')).toBe(true);
    const byCircle = await assigned(client, 'b', 'AVG_BY_CIRCLE');
    expect(byCircle?.map(({ messageQueue }) => messageQueue.queueId)).toEqual([1, 5]);
    expect(await assigned(client, 'nobody', 'AVG')).toEqual([]);
    expect(await assigned(client, 'a', 'CONSISTENT_HASH')).toBeUndefined();

    await setMode(client, 'POP', -1);
    const all = { topic: TOPIC, brokerName: 'broker-a', queueId: -1 };
    expect(await assigned(client, 'c', 'AVG')).toEqual([{ messageQueue: all, mode: 'POP' }]);
    await setMode(client, 'POP', 1);
    const shared = await assigned(client, 'd', 'AVG');
    expect(shared?.map(({ messageQueue }) => messageQueue.queueId).sort()).toEqual([0, 1, 6, 7]);
  });

  it('are refused a mode for what is not there', async () => {
    const { client } = await start();
    expect((await setMode(client, 'POP', -1)).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect((await setMode(client, 'POP', -1, '%RETRY%g')).code).toBe(ResponseCode.NO_PERMISSION);
  });

  async function assigned(
    client: BrokerClient,
    clientId: string,
    strategyName: string,
  ): Promise<readonly MessageQueueAssignment[] | undefined> {
    const body = encodeQueryAssignmentRequestBody({
      topic: TOPIC,
      consumerGroup: GROUP,
      clientId,
      strategyName,
      messageModel: 'CLUSTERING',
    });
    const response = await client.request(RequestCode.QUERY_ASSIGNMENT, {}, body);
    return decodeQueryAssignmentResponseBody(response.bodyBuffer).messageQueueAssignments;
  }
});

function setMode(
  client: BrokerClient,
  mode: MessageRequestMode,
  popShareQueueNum: number,
  topic = TOPIC,
): ReturnType<BrokerClient['request']> {
  const body = encodeSetMessageRequestModeRequestBody({ topic, consumerGroup: GROUP, mode, popShareQueueNum });
  return client.request(RequestCode.SET_MESSAGE_REQUEST_MODE, {}, body);
}

function handleOf({ handle }: PoppedMessage): {
  ckQueueOffset: number;
  popTime: number;
  queueId: number;
  reviveQid: number;
} {
  const parts = handle.split(' ').map(Number);
  return { ckQueueOffset: parts[0], popTime: parts[1], reviveQid: parts[3], queueId: parts[6] };
}
