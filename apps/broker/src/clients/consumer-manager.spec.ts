import type { SubscriptionData } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { describe, expect, it } from 'vitest';
import type { ClientChannelInfo } from './client-channel-info.js';
import { ConsumerManager, type ConsumerRegistration } from './consumer-manager.js';

function fixture(maxGroups = 10): {
  consumers: ConsumerManager;
  changes: string[];
  now: { ms: number };
  member: (clientId: string, connection?: Connection) => ClientChannelInfo;
} {
  const now = { ms: 0 };
  const changes: string[] = [];
  const consumers = new ConsumerManager({ maxGroups, channelExpiredTimeoutMs: 120_000, clock: () => now.ms });
  consumers.onChange((group) => changes.push(`${group.groupName}: ${group.clientIds().join(' ')}`));
  const member = (clientId: string, connection = fakeConnection()): ClientChannelInfo => ({
    connection,
    clientId,
    language: 'JAVA',
    version: 479,
    lastUpdateMs: now.ms,
  });
  return { consumers, changes, now, member };
}

function fakeConnection(closed: string[] = []): Connection {
  return { close: (reason?: string) => closed.push(reason ?? '') } as unknown as Connection;
}

function subscription(topic: string, subVersion = 1, tags: string[] = []): SubscriptionData {
  return {
    topic,
    subString: tags.length === 0 ? '*' : tags.join('||'),
    tagsSet: tags,
    codeSet: tags.map((tag) => tag.charCodeAt(0)),
    subVersion,
    expressionType: 'TAG',
    classFilterMode: false,
  };
}

function registration(
  groupName: string,
  subscriptions: SubscriptionData[] | undefined,
  messageModel = 'CLUSTERING',
): ConsumerRegistration {
  return {
    groupName,
    traits: { consumeType: 'CONSUME_PASSIVELY', messageModel, consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' },
    subscriptions,
  };
}

describe('ConsumerManager', () => {
  it('tells of members that join and leave', () => {
    const { consumers, changes, member } = fixture();
    const [a, b] = [member('a'), member('b')];
    expect(consumers.register(a, registration('g', [subscription('t')]))).toBe(true);
    expect(consumers.register(b, registration('g', [subscription('t')]))).toBe(true);
    expect(consumers.register(b, registration('g', [subscription('t')]))).toBe(false);
    consumers.unregister('g', a.connection);
    expect(changes).toEqual(['g: a', 'g: a b', 'g: b']);
  });

  it('forgets a group with its last member', () => {
    const { consumers, member } = fixture();
    const a = member('a');
    consumers.register(a, registration('g', [subscription('t')]));
    consumers.connectionClosed(a.connection);
    expect(consumers.get('g')).toBeUndefined();
    expect(consumers.groupsOfTopic('t')).toEqual([]);
  });

  it('keeps one subscription table for a group, in which the last heartbeat counts', () => {
    const { consumers, member } = fixture();
    consumers.register(member('a'), registration('g', [subscription('t'), subscription('u')]));
    consumers.register(member('b'), registration('g', [subscription('t'), subscription('v')]));
    expect([...(consumers.get('g')?.subscriptions.keys() ?? [])]).toEqual(['t', 'v']);
  });

  it('replaces a subscription by a newer version only', () => {
    const { consumers, member } = fixture();
    const a = member('a');
    consumers.register(a, registration('g', [subscription('t', 5, ['x'])]));
    consumers.register(a, registration('g', [subscription('t', 4, ['y'])]));
    expect(consumers.findSubscription('g', 't')?.data.subString).toBe('x');
    consumers.register(a, registration('g', [subscription('t', 6, ['y', 'z'])]));
    const matches = consumers.findSubscription('g', 't')?.matches;
    expect(['x', 'y', 'z'].map((tag) => matches?.(tag.charCodeAt(0)))).toEqual([false, true, true]);
  });

  it('keeps the subscriptions when a heartbeat comes without them', () => {
    const { consumers, member } = fixture();
    const a = member('a');
    consumers.register(a, registration('g', [subscription('t')]));
    expect(consumers.register(a, registration('g', undefined))).toBe(false);
    expect(consumers.findSubscription('g', 't')).toBeDefined();
  });

  it('notifies nobody of a broadcasting group', () => {
    const { consumers, changes, member } = fixture();
    consumers.register(member('a'), registration('g', [subscription('t')], 'BROADCASTING'));
    consumers.register(member('b'), registration('g', [subscription('t')], 'BROADCASTING'));
    expect(changes).toEqual([]);
  });

  it('drops members without a heartbeat for 120 s and closes their connections', () => {
    const { consumers, changes, member, now } = fixture();
    const closed: string[] = [];
    consumers.register(member('a', fakeConnection(closed)), registration('g', [subscription('t')]));
    now.ms = 100_000;
    consumers.register(member('b'), registration('g', [subscription('t')]));
    now.ms = 120_001;
    consumers.scanNotActiveChannels();
    expect(consumers.get('g')?.clientIds()).toEqual(['b']);
    expect(closed).toHaveLength(1);
    expect(changes.at(-1)).toBe('g: b');
  });

  it('refuses groups beyond its limit', () => {
    const { consumers, member } = fixture(1);
    consumers.register(member('a'), registration('g', []));
    expect(() => consumers.register(member('b'), registration('h', []))).toThrow('maxClientGroups');
  });
});
