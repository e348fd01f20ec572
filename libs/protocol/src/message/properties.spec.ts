import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeProperties, encodeProperties, findProperty, withoutProperty, withProperty } from './properties.js';

const part = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((text) => !/[\u0001\u0002]/.test(text));
const properties = fc.dictionary(part, part, { maxKeys: 8 });

describe('a property block', () => {
  it('comes back, with and without its last separator', () => {
    fc.assert(
      fc.property(properties, (record) => {
        const block = encodeProperties(record);
        expect(Object.entries(decodeProperties(block))).toEqual(Object.entries(record));
        expect(decodeProperties(block.slice(0, -1))).toEqual(decodeProperties(block));
        expect(decodeProperties(Buffer.from(block))).toEqual(decodeProperties(block));
      }),
    );
  });

  it('gives single properties without reading all', () => {
    fc.assert(
      fc.property(properties, part, (record, other) => {
        const block = encodeProperties(record);
        for (const [name, value] of Object.entries(record)) {
          expect(findProperty(block, name)).toBe(value);
          expect(findProperty(block.slice(0, -1), name)).toBe(value);
        }
        expect(findProperty(block, other)).toBe(Object.hasOwn(record, other) ? record[other] : undefined);
      }),
    );
  });

  it('changes by text as its map would', () => {
    fc.assert(
      fc.property(properties, part, part, fc.boolean(), (record, name, value, cut) => {
        const block = cut ? encodeProperties(record).slice(0, -1) : encodeProperties(record);
        const expected = new Map(Object.entries(record));
        expected.delete(name);
        expect(new Map(Object.entries(decodeProperties(withoutProperty(block, name))))).toEqual(expected);
        expected.set(name, value);
        expect(new Map(Object.entries(decodeProperties(withProperty(block, name, value))))).toEqual(expected);
      }),
    );
  });

  it('ignores what Java ignores', () => {
    expect(
      decodeProperties('a\u0002\u0002\u0001b\u0002c\u0001\u0002d\u00012\u0002d\u00013\u0002e\u0001f\u0001g'),
    ).toEqual({
      d: '3',
      e: 'f\u0001g',
    });
    expect(findProperty('xd\u00011\u0002d\u00012\u0002d\u0001\u0002', 'd')).toBe('2');
    expect(encodeProperties({ a: '', b: undefined, c: '1' })).toBe('c\u00011\u0002');
    expect(decodeProperties('__proto__\u0001x\u0002').hasOwnProperty('__proto__')).toBe(true);
  });

  it('refuses separators in names and values', () => {
    expect(() => encodeProperties({ a: 'x\u0002' })).toThrow(/"a" holds 0x01 or 0x02/);
    expect(() => encodeProperties({ 'a\u0001': 'x' })).toThrow(/separate properties/);
    expect(() => withProperty('', 'a', '\u0001')).toThrow(/separate properties/);
  });
});
