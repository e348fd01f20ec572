import { describe, expect, it } from 'vitest';
import { decodeProperties, splitBatchBody } from '@rocknest/protocol';
import type { MessageInput } from './message-input.js';
import { outgoingBatch } from './outgoing-batch.js';
import { bytesOf, outgoingMessage } from './outgoing-message.js';

const MAX = 4 * 1024 * 1024;
const make = (changes: Partial<MessageInput> = {}) =>
  outgoingMessage({ topic: 'orders', body: 'x', ...changes }, MAX, Date.now());

describe('outgoingMessage', () => {
  it('puts tags, keys, delay and user properties into the property text', () => {
    const message = make({
      tags: 'created',
      keys: ['a', 'b'],
      delayTimeLevel: 3,
      waitStoreOk: false,
      flag: -5,
      properties: { colour: 'grün', __proto__x: '1' },
    });
    expect(decodeProperties(message.properties)).toEqual({
      UNIQ_KEY: message.msgId,
      WAIT: 'false',
      TAGS: 'created',
      KEYS: 'a b',
      DELAY: '3',
      colour: 'grün',
      __proto__x: '1',
    });
    expect(message).toMatchObject({ topic: 'orders', flag: -5, sysFlag: 0, isBatch: false });
    expect(message.msgId).toMatch(/^[0-9A-F]{32}$/);
  });

  it('takes strings, Buffers and byte arrays', () => {
    expect(make({ body: 'é' })).toMatchObject({ body: 'é', bodyBytes: 2 });
    expect(make({ body: 'é'.repeat(5_000) })).toMatchObject({
      body: Buffer.from('é'.repeat(5_000)),
      bodyBytes: 10_000,
    });
    const buffer = Buffer.from('abc');
    expect(make({ body: buffer }).body).toBe(buffer);
    expect(make({ body: new Uint8Array([1, 2]) }).body).toEqual(Buffer.from([1, 2]));
  });

  it('gives each message an id of its own', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => make().msgId)).size).toBe(1_000);
  });

  it.each<[Partial<MessageInput>, RegExp]>([
    [{ topic: '' }, /topic is blank/],
    [{ topic: 'a b' }, /illegal characters/],
    [{ topic: 'x'.repeat(128) }, /longer than topic max length/],
    [{ topic: 'SCHEDULE_TOPIC_XXXX' }, /SCHEDULE_TOPIC_XXXX\] is forbidden/],
    [{ topic: '%RETRY%g' }, /return RECONSUME_LATER/],
    [{ body: '' }, /empty/],
    [{ body: Buffer.alloc(MAX + 1) }, /4194305 bytes, more than maxMessageSizeBytes 4194304/],
    [{ body: 5 as unknown as string }, /number, must be a Buffer or a string/],
    [{ flag: 1.5 }, /flag/],
    [{ delayTimeLevel: -1 }, /delayTimeLevel/],
    [{ tags: 'a\u0001b' }, /tags/],
    [{ keys: ['a b'] }, /blank/],
    [{ properties: { UNIQ_KEY: 'x' } }, /"UNIQ_KEY" is reserved for the bus; choose another name/],
    [{ properties: { TAGS: 'x' } }, /use the field "tags"/],
    [{ properties: { a: '' } }, /"a" is empty/],
    [{ properties: { '': 'a' } }, /empty name/],
    [{ properties: { a: 1 as unknown as string } }, /type number/],
    [{ properties: { a: 'b\u0002' } }, /U\+0001 or U\+0002/],
    [{ properties: { a: 'é'.repeat(16_000) } }, /the properties .* have 3\d+ bytes/],
  ])('refuses %j', (changes, message) => {
    expect(() => make(changes)).toThrow(message);
    expect(() => make(changes)).toThrow(expect.objectContaining({ code: 'MESSAGE_ILLEGAL', retriable: false }));
  });
});

describe('outgoingBatch', () => {
  const batch = (...inputs: Partial<MessageInput>[]) =>
    outgoingBatch(
      inputs.map((input) => ({ topic: 'orders', body: 'x', ...input })),
      1_000,
    );

  it('carries each message with its own id, tags and properties', () => {
    const message = batch({ body: 'a', tags: 'A', flag: 7 }, { body: 'b', properties: { n: '2' } });
    const items = splitBatchBody(bytesOf(message.body));
    const ids = message.msgId.split(',');
    expect(items.map((item) => item.body.toString())).toEqual(['a', 'b']);
    expect(items.map((item) => item.flag)).toEqual([7, 0]);
    expect(items.map((item) => decodeProperties(item.properties))).toEqual([
      { UNIQ_KEY: ids[0], TAGS: 'A' },
      { UNIQ_KEY: ids[1], n: '2' },
    ]);
    expect(message).toMatchObject({ topic: 'orders', isBatch: true, sysFlag: 0 });
    expect(decodeProperties(message.properties)['UNIQ_KEY']).not.toBe(ids[0]);
  });

  it('passes "do not wait" on for all', () => {
    expect(decodeProperties(batch({ waitStoreOk: false }, { waitStoreOk: false }).properties)['WAIT']).toBe('false');
  });

  it.each<[Partial<MessageInput>[], RegExp]>([
    [[], /no message/],
    [[{}, { topic: 'other' }], /message 1 of a batch goes to topic other/],
    [[{}, { waitStoreOk: false }], /waitStoreOk/],
    [[{ delayTimeLevel: 1 }], /delayTimeLevel 1/],
    [[{ topic: '%RETRY%g' }], /retry topic/],
    [
      [{ body: 'x'.repeat(600) }, { body: 'x'.repeat(600) }],
      /batch of 2 messages has \d+ bytes, more than maxMessageSizeBytes 1000/,
    ],
    [[{}, { properties: { KEYS: 'k' } }], /use the field "keys"/],
  ])('refuses %j', (inputs, message) => {
    expect(() => batch(...inputs)).toThrow(message);
  });
});
