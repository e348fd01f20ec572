import { describe, expect, it } from 'vitest';
import { Sql92Error } from '../src/filter/sql92/sql92-error.js';
import { Sql92Filter } from '../src/filter/sql92/sql92-filter.js';
import { buildSubscriptionData } from '../src/filter/subscription.js';
import { tagsCodeOf } from '../src/message/java-hash.js';
import { goldenBytes } from '../../../test/support/golden-fixtures.js';

interface Sql92Fixture {
  sets: Record<string, string>[];
  /** Expression, then a verdict for each set (see LETTERS) or `refused`. */
  cases: [string, string][];
}

interface TagsFixture {
  tags: string[];
  cases: {
    expression: string;
    refused?: boolean;
    subString?: string;
    tagsSet?: string[];
    codeSet?: number[];
    /** For each tag: 2 wanted, 1 let through by the broker for its hash alone, 0 neither. */
    verdicts?: string;
  }[];
}

/** By the numbers of `Verdict`. */
const LETTERS = 'FTUE';

function propertyBlock(set: Record<string, string>): Buffer {
  return Buffer.from(Object.entries(set).reduce((text, [name, value]) => `${text}${name}\u0001${value}\u0002`, ''));
}

function ours(expression: string, blocks: readonly Buffer[]): string {
  let filter: Sql92Filter;
  try {
    filter = new Sql92Filter(expression);
  } catch (error) {
    if (error instanceof Sql92Error) return 'refused';
    throw error;
  }
  return blocks.map((block) => LETTERS[filter.verdict(block, 0, block.length)]).join('');
}

/** What the filters of the official 5.4.0 broker and client said (`test/interop/golden`, Filters.java). */
describe('filters of RocketMQ 5.4.0', () => {
  it('SQL92: the same verdict for each of the generated expressions and sets of properties', () => {
    const { sets, cases } = JSON.parse(goldenBytes('5.4.0', 'sql92.json').toString()) as Sql92Fixture;
    const blocks = sets.map(propertyBlock);
    const differing = cases
      .map(([expression, java]) => ({ expression, java, ours: ours(expression, blocks) }))
      .filter((verdicts) => verdicts.ours !== verdicts.java);
    expect(differing).toEqual([]);
    const accepted = cases.filter(([, java]) => java !== 'refused');
    expect(accepted.length).toBeGreaterThan(1_500);
    expect(cases.length - accepted.length).toBeGreaterThan(500);
    for (const letter of LETTERS)
      expect(accepted.filter(([, java]) => java.includes(letter)).length).toBeGreaterThan(300);
  });

  it('tags: the same sets, and the same verdict of broker and client', () => {
    const { tags, cases } = JSON.parse(goldenBytes('5.4.0', 'tags.json').toString()) as TagsFixture;
    expect(cases.length).toBeGreaterThan(30);
    for (const { expression, refused, subString, tagsSet, codeSet, verdicts } of cases) {
      if (refused === true) {
        expect(() => buildSubscriptionData('t', expression), expression).toThrow(/names no tag/);
        continue;
      }
      const data = buildSubscriptionData('t', expression);
      expect(data.subString, expression).toBe(subString);
      expect([...data.tagsSet].sort(), expression).toEqual([...tagsSet!].sort());
      expect([...data.codeSet].sort(), expression).toEqual([...codeSet!].sort());
      const found = tags.map((tag) => {
        if (data.subString !== '*' && !data.codeSet.includes(tagsCodeOf(tag))) return 0;
        return data.tagsSet.length === 0 || data.tagsSet.includes(tag) ? 2 : 1;
      });
      expect(found.join(''), expression).toBe(verdicts);
    }
  });
});
