import { describe, expect, it } from 'vitest';
import { AllocateMessageQueueAveragelyByCircle, type MessageSelector } from '@rocknest/client-core';
import { DefaultMessageDeserializer } from '../serde/message-deserializer.js';
import type { ConsumerExtras } from './consumer-options.js';
import { planConsumers } from './consumer-plan.js';
import { resolveHandler, type HandlerEntry } from './handler-entry.js';

const callback = () => Promise.resolve();

function handler(
  label: string,
  pattern: unknown,
  extras: ConsumerExtras = {},
  group: string | undefined = 'g',
): HandlerEntry {
  return resolveHandler({ pattern, callback, extras }, label, {
    group,
    deserializer: new DefaultMessageDeserializer(),
  });
}

describe('planConsumers', () => {
  it('merges the topics and tags of one group into one subscription set', () => {
    const plans = planConsumers([
      handler('A.created', 'orders:created'),
      handler('A.paid', 'orders:paid || refunded'),
      handler('B.all', 'stock'),
      handler('C.other', 'orders', { group: 'other' }),
    ]);
    expect(plans.map(({ group, subscriptions }) => [group, Object.fromEntries(subscriptions)])).toEqual([
      ['g', { orders: 'created || paid || refunded', stock: '*' }],
      ['other', { orders: '*' }],
    ]);
    expect(plans[0].concurrency).toBe(60);
  });

  it('names both handlers that take the same message, what they share and what to change', () => {
    expect(() => planConsumers([handler('A.one', 'orders:a||b'), handler('B.two', 'orders:b||c')])).toThrow(
      /^A\.one and B\.two both handle topic "orders" \(tag b\) for consumer group "g".*another group.*tags that the other does not take/,
    );
    expect(() => planConsumers([handler('A.one', 'orders'), handler('B.two', 'orders:b')])).toThrow(/\(tag b\)/);
    expect(() => planConsumers([handler('A.one', 'orders'), handler('B.two', 'orders:*')])).toThrow(/\(all tags\)/);
  });

  it('takes a topic by an SQL92 expression, for one handler of a group', () => {
    const [plan] = planConsumers([
      handler('A.large', { topic: 'orders', sql: 'amount > 100' }),
      handler('B.paid', 'stock:paid'),
    ]);
    const orders = plan.subscriptions.get('orders') as MessageSelector;
    expect(orders.subscriptionOf('orders')).toMatchObject({ expressionType: 'SQL92', subString: 'amount > 100' });
    expect(plan.subscriptions.get('stock')).toBe('paid');
    const sql = handler('A.large', 'orders', { sql: 'amount > 100' });
    for (const other of [handler('B.two', 'orders', { sql: 'amount < 9' }), handler('B.two', 'orders:paid')]) {
      expect(() => planConsumers([sql, other])).toThrow(
        /A\.large and B\.two both handle topic "orders" \(sql amount > 100, and a group filters a topic by one expression\).*another group/,
      );
      expect(() => planConsumers([other, sql])).toThrow(/a group filters a topic by one expression/);
    }
    expect(planConsumers([sql, handler('B.two', 'orders', { group: 'h' })])).toHaveLength(2);
  });

  it('refuses a wrong SQL92 expression with the handler and the place, and one beside tags', () => {
    expect(() => handler('A.large', { topic: 'orders', sql: 'amount >' })).toThrow(
      /^A\.large: the subscription of topic orders: the SQL92 expression is wrong at line 1, column 9/,
    );
    expect(() => handler('A.large', 'orders', { sql: 'amount = 1 amount = 2' })).toThrow(
      /brokers would ignore the rest/,
    );
    const both = /^A\.large: tags .* and sql .* are both given.*TAGS = 'created'/;
    expect(() => handler('A.large', { topic: 'orders', sql: 'a = 1', tags: 'x' })).toThrow(both);
    expect(() => handler('A.large', 'orders:x', { sql: 'a = 1' })).toThrow(both);
    expect(() => handler('A.large', 'orders', { sql: 'a = 1', tags: ['x', 'y'] })).toThrow(both);
    expect(() => handler('A.large', 'orders', { sql: ' ' })).toThrow(/sql must be a text that is not empty/);
  });

  it('an option that one handler sets counts for its group, below it the defaults', () => {
    const [plan] = planConsumers(
      [
        handler('A.one', 'a', { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' }),
        handler('B.two', 'b', { pullBatchSize: 8 }),
      ],
      { pullBatchSize: 64, maxReconsumeTimes: 5 },
    );
    expect(plan.options).toEqual({
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      pullBatchSize: 8,
      maxReconsumeTimes: 5,
    });
  });

  it('refuses two values of an option that a group has once', () => {
    expect(() =>
      planConsumers([handler('A.one', 'a', { maxReconsumeTimes: 3 }), handler('B.two', 'b', { maxReconsumeTimes: 4 })]),
    ).toThrow(/^A\.one sets maxReconsumeTimes to 3 and B\.two sets it to 4, but both belong to consumer group "g"/);
    expect(() =>
      planConsumers([handler('A.one', 'a', { maxReconsumeTimes: 3 }), handler('B.two', 'b', { maxReconsumeTimes: 3 })]),
    ).not.toThrow();
  });

  it('takes the same strategy twice, not two of them', () => {
    const strategy = new AllocateMessageQueueAveragelyByCircle();
    const [plan] = planConsumers([
      handler('A.one', 'a', { allocateMessageQueueStrategy: strategy }),
      handler('B.two', 'b', { allocateMessageQueueStrategy: strategy }),
    ]);
    expect(plan.options.allocateMessageQueueStrategy).toBe(strategy);
    expect(() =>
      planConsumers([
        handler('A.one', 'a', { allocateMessageQueueStrategy: strategy }),
        handler('B.two', 'b', { allocateMessageQueueStrategy: new AllocateMessageQueueAveragelyByCircle() }),
      ]),
    ).toThrow(/A\.one sets allocateMessageQueueStrategy to AVG_BY_CIRCLE \(an object of its own\)/);
  });

  it('takes equal dates for one', () => {
    const at = (): ConsumerExtras => ({ consumeTimestamp: new Date(5_000) });
    expect(() => planConsumers([handler('A.one', 'a', at()), handler('B.two', 'b', at())])).not.toThrow();
  });

  it('a batch handler has its group for itself', () => {
    const batch = { batch: { maxMessages: 10 } };
    expect(planConsumers([handler('A.one', 'a', batch)])[0].consumeMessageBatchMaxSize).toBe(10);
    expect(() => planConsumers([handler('A.one', 'a', batch), handler('B.two', 'b')])).toThrow(
      /A\.one takes batches and shares consumer group "g" with B\.two/,
    );
  });
});

describe('resolveHandler', () => {
  it('pattern before extras before defaults', () => {
    expect(handler('H', { topic: 't', group: 'from-pattern' }, { group: 'from-extras' }).group).toBe('from-pattern');
    expect(handler('H', 't', { group: 'from-extras' }).group).toBe('from-extras');
    expect(handler('H', 't', { tags: 'a' }).tags).toEqual(['a']);
  });

  it.each([
    [{}, 't', null, /^H: the handler of topic "t" has no consumer group: give it one/],
    [{}, { cmd: 1 }, 'g', /^H: pattern/],
    [{ group: 'a b' }, 't', 'g', /^H: .*illegal characters/],
    [{ concurrency: 0 }, 't', 'g', /^H: concurrency is 0, must be an integer from 1 to 10000/],
    [{ batch: { maxMessages: 5000 } }, 't', 'g', /^H: batch\.maxMessages is 5000/],
    [{ deserializer: 'xml' as never }, 't', 'g', /^H: deserializer is "xml"/],
  ])('%j on %j of group %s is refused with the name of the handler', (extras, pattern, group, message) => {
    const defaults = { group: group ?? undefined, deserializer: new DefaultMessageDeserializer() };
    expect(() => resolveHandler({ pattern, callback, extras }, 'H', defaults)).toThrow(message);
  });
});
