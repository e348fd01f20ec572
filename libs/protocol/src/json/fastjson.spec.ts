import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../errors.js';
import { FastjsonMap, parseFastjson, stringifyFastjson } from './index.js';

describe('parseFastjson', () => {
  it('reads bare numeric keys, quoted keys and blanks alike', () => {
    expect(parseFastjson('{ "brokerAddrs" : {0:"a:1", -1 :"b:2"} }')).toEqual({
      brokerAddrs: { 0: 'a:1', '-1': 'b:2' },
    });
    expect(parseFastjson('{"brokerAddrs":{"0":"a:1"}}')).toEqual({ brokerAddrs: { 0: 'a:1' } });
  });

  it('reads objects as keys', () => {
    const parsed = parseFastjson('{"offsetTable":{{"brokerName":"b","queueId":1,"topic":"t"}:42}}') as Record<
      string,
      unknown
    >;
    expect(parsed['offsetTable']).toEqual(new FastjsonMap([[{ brokerName: 'b', queueId: 1, topic: 't' }, 42]]));
  });

  it('resolves references to what was written before', () => {
    expect(parseFastjson('{"a":{"x":[{"n":1}]},"b":{"$ref":"$.a.x[0]"}}')).toEqual({
      a: { x: [{ n: 1 }] },
      b: { n: 1 },
    });
    expect(() => parseFastjson('{"b":{"$ref":"$.nothing"}}')).toThrow(ProtocolError);
    expect(() => parseFastjson('{"b":{"$ref":"@"}}')).toThrow(/reference @/);
    expect(() => parseFastjson('{"b":{"$ref":"$.constructor"}}')).toThrow(ProtocolError);
  });

  it.each([
    '',
    '{',
    '{0:}',
    '{0:1,}',
    '[1 2]',
    '{"a":tru}',
    '{0:"a',
    '{0:"\\x"}',
    '01',
    '{1:2}x',
    '{{}:9007199254740993}',
  ])('refuses %j with the place', (text) => {
    expect(() => parseFastjson(text)).toThrow(ProtocolError);
  });

  it('refuses what nests too deep without overflowing the stack', () => {
    expect(() => parseFastjson('{0:'.repeat(100_000))).toThrow(/nests deeper/);
    expect(() => parseFastjson('['.repeat(8_000_000) + ']'.repeat(8_000_000))).toThrow(/nests deeper/);
    expect(parseFastjson(`["${'['.repeat(100)}","\\\\","\\"${'{'.repeat(100)}"]`)).toHaveLength(3);
  });

  it('refuses more values than the limit before it builds them', () => {
    expect(() => parseFastjson(`[${'0,'.repeat(2_000_001)}0]`)).toThrow(/more than 2000000 values/);
  });

  it('reads back whatever is written, in both forms', () => {
    const json = fc.jsonValue({ depthSize: 'medium' }).filter((value) => !JSON.stringify(value).includes('$ref'));
    fc.assert(
      fc.property(json, fc.boolean(), (value, standard) => {
        const withoutNulls = (v: unknown): unknown =>
          Array.isArray(v)
            ? v.map(withoutNulls)
            : typeof v === 'object' && v !== null
              ? Object.fromEntries(
                  Object.entries(v)
                    .filter(([, x]) => x !== null)
                    .map(([k, x]) => [k, withoutNulls(x)]),
                )
              : v;
        const normal = JSON.parse(JSON.stringify(withoutNulls(value))) as unknown;
        expect(parseFastjson(stringifyFastjson(normal, { standard }))).toEqual(normal);
      }),
    );
  });
});

describe('stringifyFastjson', () => {
  it('sorts keys, leaves out what has no value, keeps numeric keys bare', () => {
    const value = {
      b: 1,
      a: undefined,
      c: null,
      brokerAddrs: new Map([
        [10, 'j'],
        [2, 'b'],
        [0, 'a'],
      ]),
    };
    expect(stringifyFastjson(value)).toBe('{"b":1,"brokerAddrs":{0:"a",2:"b",10:"j"}}');
    expect(stringifyFastjson(value, { standard: true })).toBe('{"b":1,"brokerAddrs":{"0":"a","2":"b","10":"j"}}');
  });

  it('escapes all but ASCII in the standard form only', () => {
    expect(stringifyFastjson('é')).toBe('"é"');
    expect(stringifyFastjson('é', { standard: true })).toBe('"\\u00E9"');
  });

  it('refuses values without a form in JSON', () => {
    expect(() => stringifyFastjson({ a: NaN })).toThrow(ProtocolError);
    expect(() => stringifyFastjson({ a: () => 1 })).toThrow(ProtocolError);
  });
});
