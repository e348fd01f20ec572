import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  buildSubscriptionData,
  encodeBatchBody,
  encodeMessage,
  MessageLayout,
  type MessageExt,
} from '@rocknest/protocol';
import { decodePulledMessages } from './pulled-messages.js';

/** As the broker has it: the body stays what it is, whatever the flag says. */
const record = (changes: Partial<MessageExt> = {}): Buffer => {
  const bytes = encodeMessage({
    topic: 'orders',
    body: Buffer.from('body'),
    flag: 0,
    properties: { UNIQ_KEY: 'U' },
    queueId: 1,
    queueOffset: 10,
    physicalOffset: 100,
    storeSize: 0,
    bornTimestamp: 1,
    bornHost: '127.0.0.1:1',
    storeTimestamp: 2,
    storeHost: '127.0.0.1:2',
    bodyCrc: 0,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    msgId: '',
    offsetMsgId: '',
    ...changes,
    sysFlag: 0,
  });
  bytes.writeInt32BE(changes.sysFlag ?? 0, MessageLayout.SYS_FLAG);
  return bytes;
};
const decode = (records: Buffer[], expression = '*', topic = 'orders') =>
  decodePulledMessages(Buffer.concat(records), {
    group: 'g',
    subscription: buildSubscriptionData(topic, expression),
    brokerName: 'b',
    minOffset: 3,
    maxOffset: 20,
  });

describe('decodePulledMessages', () => {
  it('says where the queue begins and ends, and which broker it is', () => {
    const { messages, unreadable } = decode([record(), record({ queueOffset: 11 })]);
    expect(messages.map((message) => message.queueOffset)).toEqual([10, 11]);
    expect(messages[0]).toMatchObject({ brokerName: 'b', properties: { MIN_OFFSET: '3', MAX_OFFSET: '20' } });
    expect(unreadable).toBeUndefined();
  });

  it('filters by the text of the tag, where hashes are equal', () => {
    const { messages } = decode(
      [
        record({ properties: { TAGS: 'Aa' } }),
        record({ queueOffset: 11, properties: { TAGS: 'BB' } }),
        record({ queueOffset: 12, properties: {} }),
      ],
      'BB || C',
    );
    expect(messages.map((message) => message.queueOffset)).toEqual([11]);
  });

  it('gives retried messages their topic back', () => {
    const retried = record({ topic: '%RETRY%g', properties: { RETRY_TOPIC: 'orders' }, reconsumeTimes: 1 });
    const foreign = record({ topic: '%RETRY%other', properties: { RETRY_TOPIC: 'orders' } });
    expect(decode([retried, foreign], '*', '%RETRY%g').messages.map((message) => message.topic)).toEqual([
      'orders',
      '%RETRY%other',
    ]);
  });

  it('inflates bodies and clears their mark', () => {
    const { messages } = decode([record({ body: deflateSync('text'.repeat(100)), sysFlag: 0x301 })]);
    expect(messages[0].body.toString()).toBe('text'.repeat(100));
    expect(messages[0].sysFlag).toBe(0);
  });

  it('marks a body that cannot be read, and keeps the others', () => {
    const { messages, unreadable } = decode([
      record({ body: Buffer.from('not zlib'), sysFlag: 0x301 }),
      record({ queueOffset: 11 }),
      record({ queueOffset: 12, body: Buffer.from('lz4?'), sysFlag: 0x101 }),
    ]);
    expect(messages.map((message) => message.queueOffset)).toEqual([10, 11, 12]);
    expect([...unreadable!.keys()].map((message) => message.queueOffset)).toEqual([10, 12]);
    expect(messages[0]).toMatchObject({ body: Buffer.from('not zlib'), sysFlag: 0x301 });
  });

  it('unwraps the batches of batch queues', () => {
    const body = encodeBatchBody([
      { topic: 'orders', body: Buffer.from('a'), properties: { UNIQ_KEY: 'A', TAGS: 'x' } },
      { topic: 'orders', body: Buffer.from('b'), flag: 2, properties: { UNIQ_KEY: 'B', TAGS: 'y' } },
    ]);
    const { messages } = decode([record({ body, sysFlag: 0xc0 })], 'y');
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({ msgId: 'B', queueOffset: 11, flag: 2, physicalOffset: 100 });
    expect(messages[0].body.toString()).toBe('b');
  });

  it('refuses bytes that are no records', () => {
    expect(() => decode([record(), Buffer.from('garbage, and more of it'.repeat(10))])).toThrow();
  });
});
