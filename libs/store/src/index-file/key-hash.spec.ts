import fc from 'fast-check';
import { decodeProperties, encodeProperties, javaStringHash } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { indexFileName, isIndexFileName, nextIndexFileName } from './index-file-name.js';
import { hashKeys, indexedKeysOf, indexKeyHash, topicPrefixHash } from './key-hash.js';

function hashesOf(topic: string, properties: string): number[] {
  const hashes: number[] = [];
  const topicBytes = Buffer.from(topic);
  const bytes = Buffer.from(`xx${properties}\u0001`);
  const prefix = topicPrefixHash(topicBytes, 0, topicBytes.length);
  hashKeys(bytes, 2, bytes.length - 1, prefix, { addHash: (hash) => hashes.push(hash) });
  return hashes;
}

describe('hashes of keys', () => {
  it("are Java's, and never negative", () => {
    expect(indexKeyHash('T', 'k')).toBe(81_916);
    expect(indexKeyHash('Orders', 'u0')).toBe(Math.abs(javaStringHash('Orders#u0')));
    // The one hash that has no positive counterpart.
    expect(javaStringHash('T#cuikacpk')).toBe(-0x8000_0000);
    expect(indexKeyHash('T', 'cuikacpk')).toBe(0);
    expect(hashesOf('T', 'KEYS\u0001cuikacpk\u0002')).toEqual([0]);
  });

  it('from stored bytes are those of the decoded properties, whatever these hold', () => {
    const name = fc.oneof(
      fc.constantFrom('UNIQ_KEY', 'KEYS', 'UNIQ_KEY2', 'KEY', 'U', 'K', 'T', 'TAGS', 'TAGS2'),
      fc.string(),
    );
    const value = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.array(fc.string({ unit: 'binary-ascii' }), { maxLength: 5 }).map((words) => words.join(' ')),
    );
    const block = fc
      .array(fc.tuple(name, value), { maxLength: 8 })
      .map((pairs) => pairs.map(([key, text]) => `${key}\u0001${text}\u0002`).join(''));
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.oneof(block, fc.string()), (topic, properties) => {
        const text = Buffer.from(properties).toString();
        const plainTopic = Buffer.from(topic).toString();
        const expected = indexedKeysOf(decodeProperties(text)).map((key) => indexKeyHash(plainTopic, key));
        expect(hashesOf(plainTopic, text)).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('come in the order of RocketMQ: unique id, then the words of KEYS, doubles included, then the tags', () => {
    const properties = encodeProperties({ TAGS: 'x || y', KEYS: 'a  b a', UNIQ_KEY: 'id' });
    expect(hashesOf('T', properties)).toEqual(['id', 'a', 'b', 'a', 'T#x || y'].map((key) => indexKeyHash('T', key)));
    expect(hashesOf('T', '')).toEqual([]);
    expect(hashesOf('T', 'KEYS\u0001 \u0002TAGS\u0001\u0002')).toEqual([]);
  });
});

describe('names of index files', () => {
  it('are the local time to the millisecond', () => {
    expect(indexFileName(new Date(2026, 0, 2, 3, 4, 5, 6).getTime())).toBe('20260102030405006');
    expect(isIndexFileName('20260102030405006')).toBe(true);
    for (const other of ['2026010203040500', '202601020304050061', '20260102030405006.tmp', '.DS_Store']) {
      expect(isIndexFileName(other)).toBe(false);
    }
  });

  it('ascend whatever the clock says', () => {
    const last = '20260102030405999';
    const at = new Date(2026, 0, 2, 3, 4, 5, 999).getTime();
    expect(nextIndexFileName(at + 5, last)).toBe('20260102030406004');
    expect(nextIndexFileName(at, last)).toBe('20260102030406000');
    expect(nextIndexFileName(at - 86_400_000, last)).toBe('20260102030406000');
    expect(nextIndexFileName(at, undefined)).toBe(last);
  });
});
