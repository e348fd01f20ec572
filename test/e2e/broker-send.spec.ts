import {
  decodeMessage,
  decodeOffsetMsgId,
  encodeSendMessageRequest,
  encodeSendMessageRequestV2,
  encodeViewMessageByIdRequest,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { uniqueName } from '../support/unique-name.js';
import { waitFor } from '../support/wait-for.js';

let cluster: RunningCluster;
let client: BrokerClient;

beforeAll(async () => {
  cluster = await startCluster({ broker: { maxMessageSize: 100_000 } });
  client = new BrokerClient(cluster.brokers[0].address);
});

afterAll(async () => {
  await client.close();
  await cluster.stop();
});

describe('sending', () => {
  it('stores a message and answers with where it stands', async () => {
    const topic = uniqueName('topic');
    const first = await client.send(topic, 'one', { propertyMap: { UNIQ_KEY: 'ID1', TAGS: 'a', KEYS: 'k1 k2' } });
    const second = await client.send(topic, 'two');
    expect(first).toMatchObject({ code: ResponseCode.SUCCESS, queueId: 0, queueOffset: 0, transactionId: 'ID1' });
    expect(second).toMatchObject({ code: ResponseCode.SUCCESS, queueId: 0, queueOffset: 1 });
    expect(first).toMatchObject({ msgRegion: 'DefaultRegion', traceOn: 'true' });
    const place = decodeOffsetMsgId(first.msgId);
    expect(place.address).toBe(cluster.brokers[0].address);

    const view = await client.request(
      RequestCode.VIEW_MESSAGE_BY_ID,
      encodeViewMessageByIdRequest({ offset: place.physicalOffset }),
    );
    const message = decodeMessage(view.bodyBuffer);
    expect(message.body.toString()).toBe('one');
    expect(message).toMatchObject({ topic, queueId: 0, queueOffset: 0, offsetMsgId: first.msgId });
    expect(message.properties).toMatchObject({
      UNIQ_KEY: 'ID1',
      TAGS: 'a',
      KEYS: 'k1 k2',
      WAIT: 'true',
      CLUSTER: 'DefaultCluster',
      MSG_REGION: 'DefaultRegion',
      TRACE_ON: 'true',
    });
  });

  it('takes the long header names of old clients', async () => {
    const topic = uniqueName('topic');
    const fields = encodeSendMessageRequest(client.sendHeader(topic, {}, { TAGS: 'old' }));
    const response = await client.request(RequestCode.SEND_MESSAGE, fields, Buffer.from('x'));
    expect(response.code).toBe(ResponseCode.SUCCESS);
  });

  it('creates a topic after the model of TBW102, with as many queues as the sender asks for', async () => {
    const topic = uniqueName('topic');
    expect((await client.send(topic, 'x', { queueId: 3 })).code).toBe(ResponseCode.SUCCESS);
    const refused = await client.send(topic, 'x', { queueId: 4 });
    expect(refused.code).toBe(ResponseCode.INVALID_PARAMETER);
    expect(refused.remark).toContain('queueId[4] is illegal');
  });

  it('creates a topic once for many senders at the same time', async () => {
    const topic = uniqueName('topic');
    const replies = await Promise.all(Array.from({ length: 50 }, (_, i) => client.send(topic, `m${i}`)));
    expect(replies.every(({ code }) => code === ResponseCode.SUCCESS)).toBe(true);
    expect(replies.map(({ queueOffset }) => queueOffset)).toEqual(replies.map((_, i) => i));
  });

  it('chooses a queue when the sender leaves it to the broker', async () => {
    const topic = uniqueName('topic');
    const queueIds = new Set<number>();
    for (let i = 0; i < 50; i++) queueIds.add((await client.send(topic, 'x', { queueId: -1 })).queueId);
    expect([...queueIds].every((queueId) => queueId >= 0 && queueId < 4)).toBe(true);
    expect(queueIds.size).toBeGreaterThan(1);
  });

  it('answers nothing to a oneway send, and stores it', async () => {
    const topic = uniqueName('topic');
    await client.send(topic, 'first');
    await client.oneway(
      RequestCode.SEND_MESSAGE_V2,
      encodeSendMessageRequestV2(client.sendHeader(topic)),
      Buffer.from('second'),
    );
    await waitFor(async () => {
      const { messages } = await client.pull('viewer', topic, 0, { subscription: '*' });
      return messages.map(({ body }) => body.toString()).join() === 'first,second';
    }, 'the oneway message');
  });

  it.each([RequestCode.SEND_BATCH_MESSAGE, RequestCode.SEND_MESSAGE_V2])(
    'stores a batch that comes by code %i',
    async (code) => {
      const topic = uniqueName('topic');
      await client.send(topic, 'before');
      const reply = await client.sendBatch(topic, ['a', 'b', 'c'], {}, code);
      expect(reply).toMatchObject({ code: ResponseCode.SUCCESS, queueOffset: 1 });
      const ids = reply.msgId.split(',');
      expect(ids).toHaveLength(3);
      const { messages } = await client.pull('viewer', topic, 1, { subscription: '*' });
      expect(messages.map(({ body }) => body.toString())).toEqual(['a', 'b', 'c']);
      expect(messages.map(({ queueOffset }) => queueOffset)).toEqual([1, 2, 3]);
      expect(messages.map(({ offsetMsgId }) => offsetMsgId)).toEqual(ids);
    },
  );

  it.each([
    ['an illegal name', 'no spaces', ResponseCode.INVALID_PARAMETER, 'illegal characters'],
    ['a reserved topic', 'SCHEDULE_TOPIC_XXXX', ResponseCode.NO_PERMISSION, 'is forbidden'],
    ['the half topic', 'RMQ_SYS_TRANS_HALF_TOPIC', ResponseCode.NO_PERMISSION, 'is forbidden'],
  ])('refuses %s', async (_, topic, code, remark) => {
    const reply = await client.send(topic, 'x');
    expect(reply.code).toBe(code);
    expect(reply.remark).toContain(remark);
  });

  it('refuses a topic that it may not create', async () => {
    const reply = await client.send(uniqueName('topic'), 'x', { defaultTopic: 'unknown_pattern' });
    expect(reply.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect(reply.remark).toContain('apply first please');
  });

  it('refuses bodies and properties beyond the limits', async () => {
    const topic = uniqueName('topic');
    expect((await client.send(topic, Buffer.alloc(100_001))).code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect((await client.send(topic, Buffer.alloc(100_000))).code).toBe(ResponseCode.SUCCESS);
    const long = await client.send(topic, 'x', { propertyMap: { note: 'n'.repeat(33_000) } });
    expect(long.code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    const almost = await client.send(topic, 'x', { propertyMap: { note: 'n'.repeat(32_600) } });
    expect(almost.code).toBe(ResponseCode.SUCCESS);
    const full = await client.send(topic, 'x', { propertyMap: { note: 'n'.repeat(32_730) } });
    expect(full.code).toBe(ResponseCode.MESSAGE_ILLEGAL);
  });

  it('never stores a transaction, a timer or an inner batch as an ordinary message', async () => {
    const topic = uniqueName('topic');
    const half = await client.send(topic, 'x', { propertyMap: { TRAN_MSG: 'true', PGROUP: 'g' }, sysFlag: 4 });
    expect(half.code).toBe(ResponseCode.SUCCESS);
    const timer = await client.send(topic, 'x', { propertyMap: { TIMER_DELAY_SEC: '3600' } });
    expect(timer.code).toBe(ResponseCode.SUCCESS);
    const inner = await client.send(topic, 'x', { sysFlag: 0x80 });
    expect(inner.code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    const { code } = await client.pull('viewer', topic, 0, { subscription: '*' });
    expect(code).toBe(ResponseCode.PULL_NOT_FOUND);
  });

  it('refuses a batch that is delayed, and a batch body that is none', async () => {
    const topic = uniqueName('topic');
    const delayed = await client.sendBatch(topic, ['a'], { properties: 'DELAY\u00013\u0002' });
    expect(delayed.code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    const broken = await client.send(topic, 'not a batch', { code: RequestCode.SEND_BATCH_MESSAGE });
    expect(broken.code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    const retry = await client.sendBatch('%RETRY%some_group', ['a']);
    expect(retry.code).toBe(ResponseCode.MESSAGE_ILLEGAL);
  });

  it('says which header field is missing', async () => {
    const reply = await client.request(RequestCode.SEND_MESSAGE_V2, { a: 'g', b: uniqueName('topic') });
    expect(reply.code).not.toBe(ResponseCode.SUCCESS);
    expect(reply.remark).toMatch(/field/i);
  });

  it('answers an unknown request code', async () => {
    const reply = await client.request(9_999);
    expect(reply.code).toBe(ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
    expect(reply.remark).toContain('9999');
  });

  it('delivers a delayed message at its time, to its own topic', async () => {
    const topic = uniqueName('topic');
    const reply = await client.send(topic, 'later', { queueId: 2, propertyMap: { DELAY: '1', TAGS: 'slow' } });
    expect(reply).toMatchObject({ code: ResponseCode.SUCCESS, queueId: 2 });
    const early = await client.pull('viewer', topic, 0, { queueId: 2, subscription: '*' });
    expect(early.code).toBe(ResponseCode.PULL_NOT_FOUND);
    const { messages } = await client.pull('viewer', topic, 0, { queueId: 2, subscription: 'slow', suspend: true });
    expect(messages.map(({ body }) => body.toString())).toEqual(['later']);
    expect(messages[0].properties).toMatchObject({ DELAY: '1', REAL_TOPIC: topic, REAL_QID: '2' });
  });

  it('delivers a delayed message whose properties only a tolerant reader takes', async () => {
    const topic = uniqueName('topic');
    const properties = 'note\u0001one\u0001two\u0002DELAY\u00011\u0002';
    expect((await client.send(topic, 'odd', { properties })).code).toBe(ResponseCode.SUCCESS);
    const { messages } = await client.pull('viewer', topic, 0, { subscription: '*', suspend: true });
    expect(messages[0].properties).toMatchObject({ note: 'one\u0001two', REAL_TOPIC: topic });
  });
});
