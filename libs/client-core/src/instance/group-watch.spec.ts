import { describe, expect, it } from 'vitest';
import { buildSubscriptionData, type SubscriptionData } from '@rocknest/protocol';
import { silentLogger } from '../logger.js';
import type { InstanceConsumer } from './client-members.js';
import { GroupWatch, type GroupMember } from './group-watch.js';

const orders = (expression?: string): SubscriptionData => buildSubscriptionData('orders', expression);

function member(clientId: string, subscriptionDataSet: SubscriptionData[], messageModel = 'CLUSTERING'): GroupMember {
  const consumer = {
    group: 'g',
    heartbeatData: () => ({
      groupName: 'g',
      consumeType: 'CONSUME_PASSIVELY',
      messageModel,
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptionDataSet,
      unitMode: false,
    }),
  } as Partial<InstanceConsumer> as InstanceConsumer;
  return { consumer, clientId };
}

describe('consumers of one group in one process', () => {
  it('are reported once when they subscribe to different things, and counted each time', () => {
    const lines: string[] = [];
    const logger = { ...silentLogger, warn: (text: string) => void lines.push(text) };
    const watch = new GroupWatch();
    const first = member('a', [orders('created')]);
    expect(watch.joined(member('b', [orders('created'), buildSubscriptionData('%RETRY%g')]), [first], logger)).toBe(
      undefined,
    );
    expect(watch.joined(member('c', [orders()]), [first], logger)).toBe('orders: created | *');
    expect(watch.joined(member('d', [orders()]), [first], logger)).toBe('orders: created | *');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/group g .* a \| c: orders: created \| \*\./);
    expect(watch.mismatches).toBe(2);
  });

  it('may not mix message models; who assigns its queues itself subscribes to nothing', () => {
    const watch = new GroupWatch();
    const first = member('a', [orders()]);
    expect(watch.joined(member('b', [orders()], 'BROADCASTING'), [first], silentLogger)).toBe(
      'CLUSTERING | BROADCASTING',
    );
    expect(watch.joined(member('c', []), [first], silentLogger)).toBeUndefined();
  });
});
