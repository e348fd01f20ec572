import { describe, expect, it } from 'vitest';
import { buildSql92SubscriptionData, buildSubscriptionData } from './subscription.js';

describe('buildSubscriptionData', () => {
  it.each([undefined, '', '*'])('%j takes everything', (expression) => {
    expect(buildSubscriptionData('t', expression)).toMatchObject({ subString: '*', tagsSet: [], codeSet: [] });
  });

  it('splits tags, drops empty and repeated ones', () => {
    expect(buildSubscriptionData('t', ' a ||b|| ||a', 7)).toEqual({
      topic: 't',
      subString: ' a ||b|| ||a',
      tagsSet: ['a', 'b'],
      codeSet: [97, 98],
      subVersion: 7,
      expressionType: 'TAG',
      classFilterMode: false,
    });
  });

  it('keeps one code for tags with equal hashes', () => {
    expect(buildSubscriptionData('t', 'Aa||BB')).toMatchObject({ tagsSet: ['Aa', 'BB'], codeSet: [2112] });
  });

  it('refuses an expression without a tag, or with too many', () => {
    expect(() => buildSubscriptionData('t', '||')).toThrow(/names no tag/);
    expect(() => buildSubscriptionData('t', Array.from({ length: 1025 }, (_, i) => i).join('||'))).toThrow(/1025 tags/);
  });

  it('takes blanks as Java does', () => {
    expect(buildSubscriptionData('t', ' * ')).toMatchObject({ subString: ' * ', tagsSet: ['*'] });
    expect(buildSubscriptionData('t', ' ')).toMatchObject({ subString: ' ', tagsSet: [], codeSet: [] });
  });
});

describe('buildSql92SubscriptionData', () => {
  it('keeps the expression as it is', () => {
    expect(buildSql92SubscriptionData('t', ' a = 1 ', 7)).toEqual({
      topic: 't',
      subString: ' a = 1 ',
      tagsSet: [],
      codeSet: [],
      subVersion: 7,
      expressionType: 'SQL92',
      classFilterMode: false,
    });
  });
});
