import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testMessage } from '../../test/fake-clients.js';
import { toMessageInput } from '../producer/outgoing-message.js';
import { DefaultMessageDeserializer, resolveDeserializer } from './message-deserializer.js';
import { DefaultMessageSerializer } from './message-serializer.js';

const serializer = new DefaultMessageSerializer();
const auto = new DefaultMessageDeserializer();

/** What a handler gets of what a producer sent. */
function roundTrip(payload: unknown): unknown {
  const { body, properties } = serializer.serialize(payload, { topic: 't' });
  return auto.deserialize(testMessage('t', Buffer.from(body as string), { properties: { ...properties } }));
}

describe('what Rocknest sends arrives as what it was', () => {
  it.each([
    ['an object', { id: 1, nested: { list: [1, 'two', null] } }],
    ['an array', [1, 2]],
    ['a number', 42],
    ['a boolean', false],
    ['null', null],
    ['a string', 'hello'],
    ['a string that looks like a number', '42'],
    ['a string that is JSON', '{"a":1}'],
    ['bytes that are UTF-8', Buffer.from('plain')],
    ['bytes that are JSON', Buffer.from('{}')],
    ['bytes that are neither', Buffer.from([0xff, 0x00, 0x80])],
  ])('%s', (_name, payload) => {
    expect(roundTrip(payload)).toEqual(payload);
  });

  it('any JSON value, string or bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue().filter((value) => value !== ''),
          fc.string({ minLength: 1 }),
          fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes)),
        ),
        (payload) => {
          const expected: unknown =
            Buffer.isBuffer(payload) || typeof payload === 'string' ? payload : JSON.parse(JSON.stringify(payload));
          expect(roundTrip(payload)).toEqual(expected);
        },
      ),
    );
  });

  it('bytes of a view are those of the view', () => {
    expect(serializer.serialize(new Uint8Array([1, 2, 3, 4]).subarray(1, 3), { topic: 't' }).body).toEqual(
      Buffer.from([2, 3]),
    );
  });
});

describe('what other clients send, without a mark', () => {
  it.each([
    ['{"id":7}', { id: 7 }],
    [' [1]', [1]],
    ['42', 42],
    ['true', true],
    ['hello', 'hello'],
    ['[INFO] not JSON', '[INFO] not JSON'],
    ['{broken', '{broken'],
    ['', ''],
  ])('%j is taken as %j', (body, expected) => {
    expect(auto.deserialize(testMessage('t', Buffer.from(body)))).toEqual(expected);
  });

  it('bytes that are not UTF-8 stay bytes', () => {
    const body = Buffer.from([0x7b, 0xff]);
    expect(auto.deserialize(testMessage('t', body))).toBe(body);
  });

  it('a mark makes the format fixed, and an unknown mark is an error', () => {
    const marked = (mark: string, body: string) => () =>
      auto.deserialize(testMessage('t', body, { properties: { rocknestBody: mark } }));
    expect(marked('text', '42')()).toBe('42');
    expect(marked('json', '42')()).toBe(42);
    expect(marked('json', 'no')).toThrow(/of topic "t" is not JSON/);
    expect(marked('avro', 'x')).toThrow(/marked as "avro".*json, text and bytes/);
  });
});

describe('a fixed format', () => {
  it('json refuses what is not JSON, naming message and topic', () => {
    const json = new DefaultMessageDeserializer('json');
    expect(json.deserialize(testMessage('t', '1'))).toBe(1);
    expect(() => json.deserialize(testMessage('orders', '{', { msgId: 'M1' }))).toThrow(
      /the body \(1 bytes\) of message M1 of topic "orders" is not JSON: /,
    );
  });

  it('text and bytes', () => {
    const body = Buffer.from('42');
    expect(new DefaultMessageDeserializer('text').deserialize(testMessage('t', body))).toBe('42');
    expect(new DefaultMessageDeserializer('bytes').deserialize(testMessage('t', body))).toBe(body);
    expect(() => new DefaultMessageDeserializer('text').deserialize(testMessage('t', Buffer.from([0xff])))).toThrow(
      'is not UTF-8',
    );
  });

  it('an own deserializer is used as it is; anything else is refused', () => {
    const own = { deserialize: () => 'own' };
    expect(resolveDeserializer(own)).toBe(own);
    expect(() => resolveDeserializer('xml' as never)).toThrow(/deserializer is "xml", must be auto, json, text, bytes/);
    expect(() => resolveDeserializer({} as never)).toThrow(/without a method deserialize/);
  });
});

describe('the serializer', () => {
  it('refuses what has no JSON form, with the reason', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(() => serializer.serialize(undefined, { topic: 't' })).toThrow(
      /payload for topic "t" has no JSON form: it is undefined/,
    );
    expect(() => serializer.serialize(cycle, { topic: 't' })).toThrow(/circular/);
    expect(() => serializer.serialize({ big: 1n }, { topic: 't' })).toThrow(/BigInt/);
  });

  it('an asynchronous one of the user is waited for; its properties stand below those of the message', async () => {
    const own = { serialize: async () => ({ body: Buffer.from('x'), properties: { schema: '7', kept: 'yes' } }) };
    const input = await toMessageInput({ topic: 't', body: {}, tags: 'a', properties: { schema: '8' } }, own);
    expect(input).toEqual({ topic: 't', body: Buffer.from('x'), tags: 'a', properties: { schema: '8', kept: 'yes' } });
  });
});
