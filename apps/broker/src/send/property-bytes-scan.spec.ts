import { tagsCodeOf } from '@rocknest/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyScan, scanUsualProperties } from './property-bytes-scan.js';
import { emptyPropertyFacts, scanProperties } from './property-facts.js';

const NAMES = [
  'UNIQ_KEY',
  'TAGS',
  'WAIT',
  'KEYS',
  'DELAY',
  'POP_CK',
  'CLUSTER',
  'TRACE_ON',
  'TRAN_MSG',
  'INNER_NUM',
  'MSG_REGION',
  'TIMER_OUT_MS',
  'TIMER_DELAY_MS',
  'TIMER_DELAY_SEC',
  'TIMER_DELIVER_MS',
  'UNIT_KEY',
  'COUNTRY',
  'TAGZ',
  'x',
  '',
];
const plainValues = fc.constantFrom('AC1100010B2C18B4AAC20000000000001', 'a', 'created', '5');
const values = fc.oneof(
  fc.constantFrom(
    'true',
    'TRUE',
    'false',
    '',
    'a',
    'AC1100010B2C18B4AAC20000000000001',
    'tag"quote',
    'back\\slash',
    'ü',
    '漢字',
    '5',
  ),
  fc.string({ maxLength: 12 }),
);
/** What clients send: each name once, plain values, every property ended. Half of the texts, so that the fast scan has its say. */
const usualTexts = fc
  .uniqueArray(fc.tuple(fc.constantFrom('UNIQ_KEY', 'TAGS', 'WAIT', 'KEYS', 'COUNTRY', 'x'), plainValues), {
    selector: ([name]) => name,
    maxLength: 6,
  })
  .map((parts) => parts.map(([name, value]) => `${name}\u0001${name === 'WAIT' ? 'true' : value}\u0002`).join(''));
const oddTexts = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), values, fc.constantFrom('\u0002', '\u0002', '\u0002', '')), {
    maxLength: 8,
  })
  .map((parts) => parts.map(([name, value, end]) => `${name}\u0001${value}${end}`).join(''));

describe('scanUsualProperties', () => {
  it('finds what the thorough scan finds, or leaves the message to it', () => {
    let usual = 0;
    fc.assert(
      fc.property(fc.oneof(usualTexts, oddTexts), (text) => {
        const bytes = Buffer.from(`..${text}..`);
        if (!scanUsualProperties(bytes, 2, bytes.length - 2)) return;
        usual++;
        const facts = emptyPropertyFacts();
        scanProperties(text, facts);
        const { uniqKeyStart, uniqKeyEnd, tagsCode } = propertyScan;
        expect({ ...facts, uniqKey: '', tags: '' }).toEqual({ ...emptyPropertyFacts(), uniqKey: '', tags: '' });
        expect(bytes.toString('utf8', uniqKeyStart, uniqKeyEnd)).toBe(facts.uniqKey);
        expect(tagsCode).toBe(facts.tags === '' ? 0 : tagsCodeOf(facts.tags));
      }),
      { numRuns: 20_000 },
    );
    expect(usual).toBeGreaterThan(1_000);
  });

  it('takes a message as the clients send it', () => {
    const text =
      'UNIQ_KEY\u0001AC11\u0002WAIT\u0001true\u0002TAGS\u0001created\u0002KEYS\u0001k 1\u0002COUNTRY\u0001de\u0002';
    expect(scanUsualProperties(Buffer.from(text), 0, text.length)).toBe(true);
  });
});
