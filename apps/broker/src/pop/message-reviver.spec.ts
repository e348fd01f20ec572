import { defaultSubscriptionGroupConfig, type SubscriptionGroupConfig, type TopicConfig } from '@rocknest/protocol';
import type { GetResult, MessageStore, PutMessage, PutResult } from '@rocknest/store';
import { describe, expect, it } from 'vitest';
import type { ConsumerOffsetManager, SubscriptionGroupManager, TopicConfigManager } from '../metadata/index.js';
import type { TopicAutoCreator } from '../topics/topic-auto-creator.js';
import { CheckPoints } from './check-points.js';
import { MessageReviver } from './message-reviver.js';
import type { PopQueue } from './pop-queue.js';
import { ReviveLog } from './revive-log.js';

const logger = { log: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };

/** A store whose reads are answered when the test says so. */
class SlowStore {
  readonly reads: { readonly queueOffset: number; answer(): void }[] = [];
  readonly puts: PutMessage[] = [];

  getMessage({ queueOffset }: { queueOffset: number }): Promise<GetResult> {
    return new Promise((resolve) => {
      const gone = {
        status: 'OFFSET_TOO_SMALL' as const,
        nextBeginOffset: queueOffset + 1,
        minOffset: 0,
        maxOffset: 100,
        records: [],
        messageCount: 0,
        sizeBytes: 0,
        suggestPullingFromSlave: false,
      };
      this.reads.push({ queueOffset, answer: () => resolve(gone) });
    });
  }

  putMessage(message: PutMessage, _done: (result: PutResult) => void): void {
    this.puts.push(message);
  }
}

function setUp(): { store: SlowStore; checkPoints: CheckPoints; reviver: MessageReviver } {
  const store = new SlowStore();
  const offsets = { query: () => 0, commit: () => undefined } as unknown as ConsumerOffsetManager;
  const asStore = store as unknown as MessageStore;
  const checkPoints = new CheckPoints(asStore, offsets, new ReviveLog(asStore, 'revive', Buffer.alloc(8)), {
    brokerName: 'b',
    reviveQueueNum: 1,
    maxCheckPoints: 1_000,
    stayBufferMs: 10_000,
    isKnown: () => true,
    logger,
  });
  const group: SubscriptionGroupConfig = defaultSubscriptionGroupConfig('g');
  const groups = { get: () => group } as unknown as SubscriptionGroupManager;
  const topics = { get: () => ({}) as TopicConfig } as unknown as TopicConfigManager;
  const reviver = new MessageReviver(asStore, checkPoints, topics, groups, {} as TopicAutoCreator, {
    retryTopicVersion: 1,
    onRevived: () => undefined,
    logger,
  });
  return { store, checkPoints, reviver };
}

function pop(checkPoints: CheckPoints, queue: PopQueue, startOffset: number, popTimeMs: number): void {
  const ck = { startOffset, popTimeMs, invisibleMs: 1_000, reviveQueueId: 0, count: 1 };
  checkPoints.popped(queue, { ...ck, diffs: undefined, ackedBits: 0, attempts: 0 }, startOffset + 1);
}

describe('reviving', () => {
  it('leaves a check point alone whose slot was used before by one that was due', async () => {
    const { store, checkPoints, reviver } = setUp();
    const queue = checkPoints.queues.obtain('t', 'g', 0);
    for (let offset = 0; offset < 100; offset++) pop(checkPoints, queue, offset, 1_000);
    const reviving = reviver.reviveDue(10_000);
    await Promise.resolve();
    expect(store.reads).toHaveLength(64);
    const read = store.reads.map(({ queueOffset }) => queueOffset);
    const last = read[0] === 0 ? 99 : 0;
    // The last one waits for its turn: acknowledged now, its slot goes to a pop that is not due.
    const message = { topic: 't', group: 'g', queueId: 0, startOffset: last, popTimeMs: 1_000 };
    expect(checkPoints.acknowledge(message, last)).toBe(true);
    pop(checkPoints, queue, 500, 10_000);
    for (let answered = 0; answered < store.reads.length; answered++) {
      store.reads[answered].answer();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await reviving;
    const all = store.reads.map(({ queueOffset }) => queueOffset);
    expect(all).toHaveLength(99);
    expect(all).not.toContain(500);
    expect(checkPoints.isPending({ ...message, startOffset: 500, popTimeMs: 10_000 }, 500)).toBe(true);
    expect(checkPoints.table.size).toBe(1);
  });
});
