import { describe, expect, it } from 'vitest';
import { withoutAnyNamespace, withoutNamespace, wrapNamespace } from './namespace.js';

describe('namespaces', () => {
  it.each([
    ['orders', 'shop%orders'],
    ['%RETRY%workers', '%RETRY%shop%workers'],
    ['%DLQ%workers', '%DLQ%shop%workers'],
  ])('%s is %s in the namespace shop, and back', (name, wrapped) => {
    expect(wrapNamespace('shop', name)).toBe(wrapped);
    expect(wrapNamespace('shop', wrapped), 'once is enough').toBe(wrapped);
    expect(withoutNamespace('shop', wrapped)).toBe(name);
    expect(withoutNamespace('other', wrapped)).toBe(wrapped);
    expect([withoutAnyNamespace(wrapped), withoutAnyNamespace(name)]).toEqual([name, name]);
  });

  it.each(['TBW102', 'rmq_sys_x', 'CID_RMQ_SYS_x', 'SCHEDULE_TOPIC_XXXX', ''])('"%s" is in none', (name) => {
    expect(wrapNamespace('shop', name)).toBe(name);
    expect(withoutAnyNamespace(name)).toBe(name);
  });

  it('leaves everything as it is without a namespace', () => {
    expect([wrapNamespace(undefined, 'a'), wrapNamespace('', 'a'), withoutNamespace(undefined, 'x%a')]).toEqual([
      'a',
      'a',
      'x%a',
    ]);
  });
});
