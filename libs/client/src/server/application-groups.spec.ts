import { MessageSelector } from '@rocknest/client-core';
import { describe, expect, it } from 'vitest';
import type { ConsumerPlan } from '../consumer/consumer-plan.js';
import { ApplicationGroups } from './application-groups.js';

function plan(group: string, label: string, subscriptions: Record<string, string | MessageSelector>): ConsumerPlan {
  return {
    group,
    handlers: [{ label }],
    subscriptions: new Map(Object.entries(subscriptions)),
  } as unknown as ConsumerPlan;
}

describe('two servers of one application', () => {
  it('may not subscribe to different things for one group: both handlers and what differs are named', () => {
    const application = {};
    const first = new ApplicationGroups(application, {});
    const second = new ApplicationGroups(application, {});
    first.claim(plan('billing', 'Orders.paid', { orders: 'paid' }), 'n:1');
    expect(() => second.claim(plan('billing', 'Stock.low', { orders: '*', stock: 'low' }), 'n:1')).toThrow(
      /group "billing" .*\(Orders\.paid \| Stock\.low\): orders: paid \| \*; stock: nothing \| low\./,
    );
    expect(() =>
      second.claim(plan('billing', 'Orders.big', { orders: MessageSelector.bySql('amount > 5') }), 'n:1'),
    ).toThrow(/orders: paid \| SQL92 amount > 5/);
  });

  it('may share a group with the same subscription, or have groups, clusters and applications of their own', () => {
    const application = {};
    const first = new ApplicationGroups(application, {});
    const second = new ApplicationGroups(application, {});
    first.claim(plan('g', 'A', { t: 'a || b' }), 'n:1');
    expect(() => second.claim(plan('g', 'B', { t: 'b || a' }), 'n:1')).not.toThrow();
    expect(() => second.claim(plan('h', 'B', { t: 'x' }), 'n:1')).not.toThrow();
    expect(() => second.claim(plan('g', 'B', { t: 'x' }), 'n:2')).not.toThrow();
    expect(() => new ApplicationGroups({}, {}).claim(plan('g', 'C', { t: 'x' }), 'n:1')).not.toThrow();
  });

  it('may change after the other has closed', () => {
    const application = {};
    const first = new ApplicationGroups(application, {});
    first.claim(plan('g', 'A', { t: 'a' }), 'n:1');
    first.release();
    expect(() => new ApplicationGroups(application, {}).claim(plan('g', 'B', { t: 'b' }), 'n:1')).not.toThrow();
  });
});
