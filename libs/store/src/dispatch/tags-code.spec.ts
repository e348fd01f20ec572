import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { storedTagsCode } from './tags-code.js';

const parts = fc.constantFrom('TAGS', 'TAG', 'KEYS', '\u0001', '\u0002', 'a', 'ü', '漢', 'created', '');

describe('storedTagsCode', () => {
  it('is the same from text and from bytes', () => {
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 20 }), (pieces) => {
        const text = pieces.join('');
        expect(storedTagsCode('Orders', Buffer.from(text), 0, [])).toBe(storedTagsCode('Orders', text, 0, []));
      }),
      { numRuns: 20_000 },
    );
  });

  it('is that of Java', () => {
    expect(storedTagsCode('Orders', Buffer.from('KEYS\u0001k\u0002TAGS\u0001TagA\u0002'), 0, [])).toBe(2598919);
  });
});
