import { buildSubscriptionData, type SubscriptionData } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { describe, expect, it } from 'vitest';
import { CounterRegistry } from '../stats/counter-registry.js';
import { ConsumerManager } from './consumer-manager.js';
import { SubscriptionMismatchMonitor } from './subscription-mismatch-monitor.js';

const clustering = {
  consumeType: 'CONSUME_PASSIVELY',
  messageModel: 'CLUSTERING',
  consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
};
const MINUTE_MS = 60_000;

function setup() {
  const clock = { nowMs: 1_000_000 };
  const lines: string[] = [];
  const counters = new CounterRegistry();
  const logger = {
    log: (text: string) => void lines.push(`log ${text}`),
    warn: (text: string) => void lines.push(`warn ${text}`),
  };
  const monitor = new SubscriptionMismatchMonitor(counters, logger, () => clock.nowMs);
  const manager = new ConsumerManager({ maxGroups: 10, channelExpiredTimeoutMs: 120_000, clock: () => clock.nowMs });
  manager.onVariants((group) => monitor.variantsChanged(group));
  const connections = new Map<string, Connection>();
  const beat = (clientId: string, subscriptions: SubscriptionData[], traits = clustering, groupName = 'g'): void => {
    let connection = connections.get(clientId);
    if (!connection) {
      connection = { remoteAddress: `10.0.0.1:${connections.size}` } as Connection;
      connections.set(clientId, connection);
    }
    const channel = { connection, clientId, language: 'JAVA', version: 400, lastUpdateMs: clock.nowMs };
    manager.register(channel, { groupName, traits, subscriptions });
  };
  const leave = (clientId: string): void => manager.connectionClosed(connections.get(clientId)!);
  const figures = (): number[] => counters.samples().map(({ value }) => value);
  return { clock, lines, monitor, beat, leave, figures };
}

const orders = (expression?: string): SubscriptionData => buildSubscriptionData('orders', expression);
const retry = buildSubscriptionData('%RETRY%g');

describe('members of a group that subscribe to different things', () => {
  it('are told apart: who, which group, which topic, what differs, and counted', () => {
    const { lines, beat, figures, monitor } = setup();
    beat('a@1', [orders('created'), retry]);
    beat('b@1', [orders('created'), retry]);
    expect(lines).toEqual([]);
    expect(figures()).toEqual([0, 0]);
    beat('c@1', [orders('*'), buildSubscriptionData('stock', 'low'), retry]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^warn consumer group g: .* a@1 at 10\.0\.0\.1:0 and 1 more \| c@1 at 10\.0\.0\.1:2: orders: created \| \*; stock: nothing \| low\. /,
    );
    expect(figures()).toEqual([1, 1]);
    expect(monitor.groupNames).toEqual(['g']);
  });

  it('are no difference: another order of tags, another version, retry topics', () => {
    const { lines, beat, figures } = setup();
    beat('a@1', [orders('a || b'), retry]);
    beat('b@1', [{ ...orders('b||a'), subVersion: 5 }, buildSubscriptionData('%RETRY%g_orders')]);
    expect(lines).toEqual([]);
    expect(figures()).toEqual([0, 0]);
  });

  it('are told in one line however often heartbeats come, in a rolling deployment too', () => {
    const { lines, beat, leave, figures, clock } = setup();
    for (let i = 0; i < 20; i++) beat(`old-${i}`, [orders('v1')]);
    for (let i = 0; i < 20; i++) {
      clock.nowMs += 10_000;
      beat(`new-${i}`, [orders('v2')]);
      for (let j = i; j < 20; j++) beat(`old-${j}`, [orders('v1')]);
      leave(`old-${i}`);
    }
    expect(lines).toHaveLength(2);
    expect(lines[1]).toBe('log consumer group g: all members subscribe to the same again');
    expect(figures()).toEqual([1, 0]);
  });

  it('that come and go are told again only after ten minutes; what lasts is told again then', () => {
    const { lines, beat, leave, figures, clock, monitor } = setup();
    beat('a@1', [orders('v1')]);
    for (let i = 0; i < 9; i++) {
      clock.nowMs += MINUTE_MS;
      beat('b@1', [orders('v2')]);
      leave('b@1');
    }
    expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    beat('b@1', [orders('v2')]);
    clock.nowMs += 2 * MINUTE_MS;
    monitor.remind();
    expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(2);
    monitor.remind();
    expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(2);
    expect(figures()).toEqual([10, 1]);
  });

  it('differ in the message model too, and each group stands for itself', () => {
    const { lines, beat } = setup();
    beat('a@1', [orders()]);
    beat('b@1', [orders()], { ...clustering, messageModel: 'BROADCASTING' });
    expect(lines[0]).toContain('CLUSTERING | BROADCASTING');
    beat('c@1', [orders('x')], clustering, 'h');
    expect(lines).toHaveLength(1);
  });

  it('are found when a member changes what it takes while it runs, and over when the others follow', () => {
    const { lines, beat, figures } = setup();
    beat('a@1', [orders('v1')]);
    beat('b@1', [orders('v1')]);
    beat('a@1', [orders('v2')]);
    expect(figures()).toEqual([1, 1]);
    beat('b@1', [orders('v2')]);
    expect(figures()).toEqual([1, 0]);
    expect(lines).toHaveLength(2);
  });
});
