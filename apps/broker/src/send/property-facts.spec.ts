import { describe, expect, it } from 'vitest';
import { emptyPropertyFacts, type PropertyFacts, scanProperties } from './property-facts.js';

function text(properties: readonly (readonly [string, string])[], trailing = true): string {
  const joined = properties.map(([name, value]) => `${name}\u0001${value}`).join('\u0002');
  return trailing && joined !== '' ? joined + '\u0002' : joined;
}

function scan(wire: string): PropertyFacts {
  const facts = emptyPropertyFacts();
  scanProperties(wire, facts);
  return facts;
}

describe('scanProperties', () => {
  it('reads what the broker acts on', () => {
    const facts = scan(
      text([
        ['KEYS', 'k1 k2'],
        ['UNIQ_KEY', '7F00000100002A9F4B7C1A2B3C4D0001'],
        ['WAIT', 'false'],
        ['TAGS', 'TagA'],
        ['DELAY', '3'],
      ]),
    );
    expect(facts).toMatchObject({
      uniqKey: '7F00000100002A9F4B7C1A2B3C4D0001',
      tags: 'TagA',
      delay: '3',
      waitStoreOk: false,
      isTransaction: false,
      needsRewrite: false,
      endsWithSeparator: true,
    });
  });

  it('takes a text without the last separator', () => {
    const facts = scan(
      text(
        [
          ['TAGS', 'a'],
          ['WAIT', 'true'],
        ],
        false,
      ),
    );
    expect(facts).toMatchObject({ tags: 'a', waitStoreOk: true, endsWithSeparator: false });
  });

  it('forgets what it read before', () => {
    const facts = emptyPropertyFacts();
    scanProperties(
      text([
        ['TAGS', 'a'],
        ['TRAN_MSG', 'true'],
        ['TIMER_DELAY_SEC', '1'],
        ['POP_CK', 'x'],
      ]),
      facts,
    );
    scanProperties('', facts);
    expect(facts).toEqual(emptyPropertyFacts());
  });

  it('ignores segments without a name, a value or a split, as RocketMQ does', () => {
    expect(scan('\u0002\u0001\u0002TAGS\u0001\u0002junk\u0002\u0001v\u0002TAGS').tags).toBe('');
    expect(scan('junk\u0002TAGS\u0001b\u0002').tags).toBe('b');
  });

  it('splits at the first 0x01 and lets later duplicates win', () => {
    expect(scan('TAGS\u0001a\u0001b\u0002').tags).toBe('a\u0001b');
    expect(
      scan(
        text([
          ['TAGS', 'a'],
          ['TAGS', 'b'],
        ]),
      ).tags,
    ).toBe('b');
  });

  it.each(['POP_CK', 'MSG_REGION', 'TRACE_ON', 'CLUSTER'])('asks for a rewrite when %s is there', (name) => {
    expect(
      scan(
        text([
          ['TAGS', 'a'],
          [name, 'x'],
        ]),
      ).needsRewrite,
    ).toBe(true);
  });

  it.each(['TIMER_DELAY_SEC', 'TIMER_DELAY_MS', 'TIMER_DELIVER_MS'])('sees the timer property %s', (name) => {
    expect(scan(text([[name, '5']])).hasTimer).toBe(true);
  });

  it('reads TRAN_MSG as Java reads a boolean', () => {
    expect(scan(text([['TRAN_MSG', 'TRUE']])).isTransaction).toBe(true);
    expect(scan(text([['TRAN_MSG', 'yes!']])).isTransaction).toBe(false);
  });

  it('does not take longer names that begin the same', () => {
    expect(
      scan(
        text([
          ['TAGSX', 'a'],
          ['XTAGS', 'b'],
          ['UNIQ_KEYS', 'c'],
        ]),
      ),
    ).toMatchObject({ tags: '', uniqKey: '' });
  });
});
