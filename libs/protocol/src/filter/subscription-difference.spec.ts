import { describe, expect, it } from 'vitest';
import { subscriptionDifference, subscriptionSignature } from './subscription-difference.js';
import { buildSubscriptionData } from './subscription.js';

const tags = buildSubscriptionData;
const sql = (topic: string, subString: string) => ({ ...tags(topic, '*'), subString, expressionType: 'SQL92' });

describe('what members of a group subscribe to differently', () => {
  it.each([
    [[tags('t', 'a || b', 1)], [tags('t', 'b||a', 2)]],
    [[tags('t', '*'), tags('%RETRY%g', '*')], [tags('t', '')]],
    [
      [tags('a'), tags('b')],
      [tags('b'), tags('a')],
    ],
    [[], [tags('%RETRY%g_t')]],
  ])('nothing: %#', (first, second) => {
    expect(subscriptionDifference(first, second)).toBeUndefined();
    expect(subscriptionSignature(first)).toBe(subscriptionSignature(second));
  });

  it.each([
    [[tags('t', 'a')], [tags('t', '*')], 't: a | *'],
    [[tags('t')], [tags('t'), tags('u', 'x')], 'u: nothing | x'],
    [[tags('t', 'b||a'), tags('u')], [tags('t', 'c')], 't: a || b | c; u: * | nothing'],
    [[sql('t', 'a > 1')], [tags('t')], 't: SQL92 a > 1 | *'],
    [[sql('t', 'a > 1')], [sql('t', 'a > 2')], 't: SQL92 a > 1 | SQL92 a > 2'],
  ])('%#', (first, second, text) => {
    expect(subscriptionDifference(first, second)).toBe(text);
    expect(subscriptionSignature(first)).not.toBe(subscriptionSignature(second));
  });

  it('stays short', () => {
    const many = Array.from({ length: 9 }, (_, i) => sql(`t${i}`, 'x'.repeat(5_000)));
    const text = subscriptionDifference(many, [])!;
    expect(text).toMatch(/; and 4 more topics$/);
    expect(text.length).toBeLessThan(1_000);
  });
});
