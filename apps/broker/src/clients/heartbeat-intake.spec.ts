import type { HeartbeatData, SubscriptionData, TopicConfig } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { describe, expect, it } from 'vitest';
import type { TopicConfigManager } from '../metadata/index.js';
import type { GroupDirectory } from '../topics/group-directory.js';
import type { TopicAutoCreator } from '../topics/topic-auto-creator.js';
import { ConsumerManager } from './consumer-manager.js';
import { HeartbeatIntake } from './heartbeat-intake.js';
import { ProducerManager } from './producer-manager.js';

function fixture(): {
  intake: HeartbeatIntake;
  consumers: ConsumerManager;
  producers: ProducerManager;
  retryTopics: string[];
} {
  const options = { maxGroups: 10, channelExpiredTimeoutMs: 120_000, clock: () => 0 };
  const consumers = new ConsumerManager(options);
  const producers = new ProducerManager(options);
  const retryTopics: string[] = [];
  const topics = { get: (name: string) => (name === 'ordered' ? ({ order: true } as TopicConfig) : undefined) };
  const groups = {
    find: (groupName: string) =>
      Promise.resolve(groupName === 'forbidden' ? undefined : { groupName, retryQueueNums: 1 }),
  };
  const creator = {
    retryTopic: (group: string, queueNums: number, unitMode: boolean, order?: boolean) => {
      retryTopics.push(`${group} ${queueNums} ${unitMode} ${order}`);
      return Promise.resolve();
    },
  };
  const intake = new HeartbeatIntake(
    consumers,
    producers,
    topics as unknown as TopicConfigManager,
    groups as unknown as GroupDirectory,
    creator as unknown as TopicAutoCreator,
    { maxGroupsPerHeartbeat: 2, maxSubscriptionsPerGroup: 2, maxTagsPerSubscription: 2 },
    () => 0,
  );
  return { intake, consumers, producers, retryTopics };
}

function client(clientId = 'a'): { connection: Connection; clientId: string; language: string; version: number } {
  return { connection: { closed: false } as Connection, clientId, language: 'JAVA', version: 479 };
}

function subscription(topic: string, codeSet: number[] = []): SubscriptionData {
  const base = { subString: '*', tagsSet: [], subVersion: 1, expressionType: 'TAG', classFilterMode: false };
  return { ...base, topic, codeSet };
}

function heartbeat(
  groups: Readonly<Record<string, SubscriptionData[]>>,
  rest: Partial<HeartbeatData> = {},
): HeartbeatData {
  return {
    clientID: 'a',
    producerDataSet: [],
    consumerDataSet: Object.entries(groups).map(([groupName, subscriptionDataSet]) => ({
      groupName,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptionDataSet,
      unitMode: false,
    })),
    heartbeatFingerprint: 0,
    withoutSub: false,
    ...rest,
  };
}

describe('HeartbeatIntake', () => {
  it('registers consumers and producers and makes the retry topic', async () => {
    const { intake, consumers, producers, retryTopics } = fixture();
    const data = heartbeat({ g: [subscription('t')] }, { producerDataSet: [{ groupName: 'p' }] });
    expect(await intake.take(data, client())).toEqual({ subscriptionsWanted: true });
    expect(consumers.get('g')?.clientIds()).toEqual(['a']);
    expect(producers.all().has('p')).toBe(true);
    expect(retryTopics).toEqual(['g 1 false false']);
  });

  it('marks the retry topic of a group that subscribes an order topic', async () => {
    const { intake, retryTopics } = fixture();
    await intake.take(heartbeat({ g: [subscription('ordered')] }), client());
    expect(retryTopics).toEqual(['g 1 false true']);
  });

  it('skips a group that does not exist and may not be created', async () => {
    const { intake, consumers } = fixture();
    await intake.take(heartbeat({ forbidden: [subscription('t')] }), client());
    expect(consumers.get('forbidden')).toBeUndefined();
  });

  it('takes nobody in whose connection closed meanwhile', async () => {
    const { intake, consumers, producers } = fixture();
    const gone = { ...client(), connection: { closed: true } as Connection };
    await intake.take(heartbeat({ g: [] }, { producerDataSet: [{ groupName: 'p' }] }), gone);
    expect(consumers.get('g')).toBeUndefined();
    expect(producers.all().size).toBe(0);
  });

  it.each([
    ['groups', heartbeat({ a: [], b: [], c: [] })],
    ['subscriptions', heartbeat({ a: [subscription('1'), subscription('2'), subscription('3')] })],
    ['tags', heartbeat({ a: [subscription('1', [1, 2, 3])] })],
  ])('refuses too many %s', async (what, data) => {
    await expect(fixture().intake.take(data, client())).rejects.toThrow(what);
  });

  it('refuses a client without an id', async () => {
    await expect(fixture().intake.take(heartbeat({}), client(''))).rejects.toThrow('clientID');
  });
});

describe('heartbeats with a fingerprint (V2)', () => {
  const full = (fingerprint: number): HeartbeatData =>
    heartbeat({ g: [subscription('t')] }, { heartbeatFingerprint: fingerprint });
  const short = (fingerprint: number): HeartbeatData =>
    heartbeat({ g: [] }, { heartbeatFingerprint: fingerprint, withoutSub: true });

  it('keep the subscriptions while nothing changes', async () => {
    const { intake, consumers } = fixture();
    const a = client();
    expect(await intake.take(full(7), a)).toEqual({ subscriptionsWanted: false });
    expect(await intake.take(short(7), a)).toEqual({ subscriptionsWanted: false });
    expect(consumers.findSubscription('g', 't')).toBeDefined();
  });

  it('are asked in full when another member says something else', async () => {
    const { intake } = fixture();
    await intake.take(full(7), client('a'));
    expect(await intake.take(full(8), client('b'))).toEqual({ subscriptionsWanted: true });
  });

  it('are asked in full when the broker does not know the group (it was restarted)', async () => {
    expect(await fixture().intake.take(short(7), client())).toEqual({ subscriptionsWanted: true });
  });
});
