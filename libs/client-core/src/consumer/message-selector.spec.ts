import { describe, expect, it } from 'vitest';
import { MQClientError } from '../errors.js';
import { MessageSelector } from './message-selector.js';

function problem(selector: MessageSelector): MQClientError {
  try {
    selector.subscriptionOf('orders');
  } catch (error) {
    if (error instanceof MQClientError) return error;
    throw error;
  }
  throw new Error(`${selector.expression} was taken`);
}

describe('MessageSelector', () => {
  it.each([undefined, '', '  ', '*', ' * '])('by tag %j takes everything', (tags) => {
    expect(MessageSelector.byTag(tags).subscriptionOf('orders')).toMatchObject({
      topic: 'orders',
      expressionType: 'TAG',
      subString: '*',
      tagsSet: [],
    });
  });

  it('by tags', () => {
    expect(MessageSelector.byTag(' a ||b || a').subscriptionOf('orders')).toMatchObject({
      expressionType: 'TAG',
      subString: 'a ||b || a',
      tagsSet: ['a', 'b'],
      codeSet: [97, 98],
    });
  });

  it('refuses tag expressions that would take nothing', () => {
    for (const expression of ['||', ' || ', '|| ||'])
      expect(problem(MessageSelector.byTag(expression)).message).toContain('names no tag');
  });

  it('by SQL92', () => {
    expect(MessageSelector.bySql("region = 'eu' AND amount > 5").subscriptionOf('orders')).toMatchObject({
      topic: 'orders',
      expressionType: 'SQL92',
      subString: "region = 'eu' AND amount > 5",
      tagsSet: [],
      codeSet: [],
    });
  });

  it('refuses a wrong SQL92 expression, with the place', () => {
    const error = problem(MessageSelector.bySql("region = 'eu' AND\n amount >"));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain('topic orders: the SQL92 expression is wrong at line 2, column 10: ');
    expect(error.details).toMatchObject({ topic: 'orders', line: 2, column: 10 });
  });

  it('refuses an expression whose end brokers would ignore', () => {
    const error = problem(MessageSelector.bySql("region = 'eu' amount > 5"));
    expect(error.message).toContain('ends before line 1, column 15, and brokers would ignore the rest: amount > 5');
  });
});
