import { decodeMessage, encodeMessage, type MessageExt } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { forEachRecord, queueOffsetsOf, withTopicAndHandle } from './pop-messages.js';

function record(overrides: Partial<MessageExt> = {}): Buffer {
  return encodeMessage({
    topic: '%RETRY%g_t',
    body: Buffer.from('body'),
    flag: 7,
    properties: { TAGS: 'a', KEYS: 'k' },
    queueId: 0,
    queueOffset: 9_000_000_000,
    physicalOffset: 123,
    storeSize: 0,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_000,
    bornHost: '127.0.0.1:1',
    storeTimestamp: 1_700_000_000_001,
    storeHost: '127.0.0.1:2',
    bodyCrc: 0,
    reconsumeTimes: 3,
    preparedTransactionOffset: 0,
    msgId: '',
    offsetMsgId: '',
    ...overrides,
  });
}

describe('records of a pop', () => {
  it('are walked over wherever slices end', () => {
    const one = record({ queueOffset: 1 });
    const two = record({ queueOffset: 2, body: Buffer.alloc(1_000) });
    expect(queueOffsetsOf([Buffer.concat([one, two]), record({ queueOffset: 9_000_000_000 })])).toEqual([
      1, 2, 9_000_000_000,
    ]);
    let count = 0;
    forEachRecord([Buffer.concat([one, two])], () => count++);
    expect(count).toBe(2);
  });

  it.each(['t', 'x'.repeat(126), 'x'.repeat(200)])('come under another topic of %#, with their handle', (topic) => {
    const copy = withTopicAndHandle(record(), topic, '1 2 3 4 1 b 0 9');
    expect(copy.readInt32BE(0)).toBe(copy.length);
    expect(decodeMessage(copy)).toMatchObject({
      topic,
      body: Buffer.from('body'),
      flag: 7,
      queueOffset: 9_000_000_000,
      reconsumeTimes: 3,
      properties: { TAGS: 'a', KEYS: 'k', POP_CK: '1 2 3 4 1 b 0 9' },
    });
  });

  it('keep the handle that they have, and get one without other properties', () => {
    const given = record({ properties: { POP_CK: 'theirs' } });
    expect(decodeMessage(withTopicAndHandle(given, 't', 'ours')).properties).toEqual({ POP_CK: 'theirs' });
    const other = record({ properties: { XPOP_CK: 'other' } });
    expect(decodeMessage(withTopicAndHandle(other, 't', 'ours')).properties).toEqual({
      XPOP_CK: 'other',
      POP_CK: 'ours',
    });
    expect(decodeMessage(withTopicAndHandle(record({ properties: {} }), 't', 'ours')).properties).toEqual({
      POP_CK: 'ours',
    });
  });
});
