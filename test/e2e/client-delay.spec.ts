import { type MessageExt, MQAdmin, Producer, PushConsumer, silentLogger } from '@rocknest/client-core';
import {
  decodeRecallHandle,
  encodeRecallHandle,
  encodeRecallMessageRequest,
  encodeSendMessageRequestV2,
  RequestCode,
  ResponseCode,
  type SendMessageRequest,
  TIMER_TOPIC,
} from '@rocknest/protocol';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { uniqueName } from '../support/unique-name.js';
import { waitFor } from '../support/wait-for.js';

let cluster: RunningCluster;
let producer: Producer;
let admin: MQAdmin;
let peer: BrokerClient;

beforeAll(async () => {
  cluster = await startCluster({ broker: { messageDelayLevel: '1s 2s', timerMaxDelaySec: 3_600 } });
  const { namesrvAddr } = cluster;
  producer = new Producer({ namesrvAddr, group: 'PID_delay', logger: silentLogger });
  admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  await Promise.all([producer.start(), admin.start()]);
  peer = new BrokerClient(cluster.brokers[0].address);
});

afterAll(async () => {
  await peer?.close();
  await producer?.shutdown();
  await admin?.shutdown();
  await cluster?.stop();
});

/** A topic of one queue and what its consumer got. */
async function listen(): Promise<{ topic: string; got: MessageExt[]; stop(): Promise<void> }> {
  const topic = uniqueName('delay');
  await admin.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
  const got: MessageExt[] = [];
  const consumer = new PushConsumer({ namesrvAddr: cluster.namesrvAddr, group: `GID_${topic}`, logger: silentLogger });
  consumer.subscribe(topic);
  consumer.registerMessageListener((messages) => {
    got.push(...messages);
    return 'CONSUME_SUCCESS';
  });
  await consumer.start();
  return { topic, got, stop: () => consumer.shutdown() };
}

const bodies = (messages: readonly MessageExt[]): string[] => messages.map(({ body }) => body.toString());

describe('delayed messages', () => {
  it('come at their time, whichever way it was given, and in the order of their times', async () => {
    const { topic, got, stop } = await listen();
    const startMs = Date.now();
    await producer.send({ topic, body: 'level', delayTimeLevel: 2 });
    await producer.send({ topic, body: 'seconds', delayTimeSec: 1 });
    await producer.send({ topic, body: 'ms', delayTimeMs: 300 });
    await producer.send({ topic, body: 'time', deliverTimeMs: startMs + 700 });
    await producer.send({ topic, body: 'past', deliverTimeMs: startMs - 60_000 });
    await waitFor(() => got.length === 5, 'all messages');
    expect(bodies(got)).toEqual(['past', 'ms', 'time', 'seconds', 'level']);
    for (const [index, atMs] of [
      [1, 300],
      [2, 700],
      [3, 1_000],
      [4, 2_000],
    ]) {
      expect(got[index].storeTimestamp).toBeGreaterThanOrEqual(startMs + atMs);
    }
    expect(got[1].properties).toMatchObject({ TIMER_DELAY_MS: '300', REAL_TOPIC: topic, REAL_QID: '0' });
    await stop();
  });

  it('can be recalled until they are due', async () => {
    const { topic, got, stop } = await listen();
    const due = { deliverTimeMs: Date.now() + 900 };
    const gone = await producer.send({ topic, body: 'gone', ...due });
    const kept = await producer.send({ topic, body: 'kept', ...due });
    expect(decodeRecallHandle(gone.recallHandle ?? '')).toMatchObject({
      topic,
      timestamp: String(due.deliverTimeMs),
      messageId: gone.msgId,
    });
    expect(await producer.recallMessage(topic, gone.recallHandle ?? '')).toBe(gone.msgId);
    // Once more changes nothing.
    expect(await producer.recallMessage(topic, gone.recallHandle ?? '')).toBe(gone.msgId);
    await waitFor(() => got.length > 0, 'the message that was kept');
    expect(bodies(got)).toEqual(['kept']);
    await expect(producer.recallMessage(topic, kept.recallHandle ?? '')).rejects.toMatchObject({
      responseCode: ResponseCode.ILLEGAL_OPERATION,
    });
    expect((await producer.send({ topic, body: 'now' })).recallHandle).toBeUndefined();
    expect((await producer.send({ topic, body: 'level', delayTimeLevel: 1 })).recallHandle).toBeUndefined();
    await stop();
  });

  it('are refused when they ask for too much, are part of a transaction, or are sent to the timer topic itself', async () => {
    const { topic, stop } = await listen();
    await expect(producer.send({ topic, body: 'x', delayTimeSec: 3_601 })).rejects.toMatchObject({
      responseCode: ResponseCode.MESSAGE_ILLEGAL,
    });
    await expect(producer.send([{ topic, body: 'x', delayTimeMs: 5 }])).rejects.toThrow(
      /delayed messages are sent one by one/,
    );
    const header: SendMessageRequest = {
      producerGroup: 'PID_raw',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: 0,
      sysFlag: 0,
      bornTimestamp: Date.now(),
      flag: 0,
      properties: `TIMER_DELAY_MS\u0001500\u0002TRAN_MSG\u0001true\u0002`,
      reconsumeTimes: 0,
      unitMode: false,
      maxReconsumeTimes: undefined,
      batch: false,
      brokerName: undefined,
    };
    const send = async (fields: Partial<SendMessageRequest>): Promise<number> =>
      (
        await peer.request(
          RequestCode.SEND_MESSAGE_V2,
          encodeSendMessageRequestV2({ ...header, ...fields }),
          Buffer.from('x'),
        )
      ).code;
    expect(await send({})).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect(await send({ properties: 'TIMER_DELAY_MS\u0001soon\u0002' })).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect(await send({ topic: TIMER_TOPIC, properties: '' })).toBe(ResponseCode.NO_PERMISSION);
    await stop();
  });

  it('recalls of what cannot be recalled are refused with the codes of RocketMQ', async () => {
    const { topic, stop } = await listen();
    const brokerName = (await producer.fetchPublishMessageQueues(topic))[0].brokerName;
    const soon = String(Date.now() + 60_000);
    const handle = { topic, brokerName, timestamp: soon, messageId: 'ID' };
    const recall = async (fields: { topic?: string; recallHandle: string }): Promise<number> =>
      (await peer.request(RequestCode.RECALL_MESSAGE, encodeRecallMessageRequest({ topic, ...fields }))).code;
    expect(await recall({ recallHandle: encodeRecallHandle(handle) })).toBe(ResponseCode.SUCCESS);
    expect(await recall({ recallHandle: 'nonsense' })).toBe(ResponseCode.ILLEGAL_OPERATION);
    for (const wrong of [
      { topic: 'other' },
      { brokerName: 'other' },
      { timestamp: '1' },
      { timestamp: 'x' },
      { timestamp: String(Date.now() + 4_000_000) },
    ]) {
      expect(await recall({ recallHandle: encodeRecallHandle({ ...handle, ...wrong }) })).toBe(
        ResponseCode.ILLEGAL_OPERATION,
      );
    }
    expect(await recall({ topic: 'nowhere', recallHandle: encodeRecallHandle(handle) })).toBe(
      ResponseCode.TOPIC_NOT_EXIST,
    );
    await expect(producer.recallMessage(topic, 'nonsense')).rejects.toThrow(/no recall handle/);
    await expect(producer.recallMessage('%RETRY%g', encodeRecallHandle(handle))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await stop();
  });

  it('the checkpoint and the numbers of waiting messages can be asked for', async () => {
    const { topic, stop } = await listen();
    await producer.send({ topic, body: 'later', delayTimeSec: 600 });
    await waitFor(async () => {
      const checkpoint = await peer.request(RequestCode.GET_TIMER_CHECK_POINT, {});
      return checkpoint.bodyBuffer.length === 56 && checkpoint.bodyBuffer.readBigInt64BE(16) > 0n;
    }, 'a checkpoint behind the message');
    const metrics = await peer.request(RequestCode.GET_TIMER_METRICS, {});
    expect(JSON.parse(metrics.bodyBuffer.toString())).toMatchObject({ timingCount: { [topic]: { count: 1 } } });
    await stop();
  });
});
