import { isRetryTopic, PopInitMode } from '@rocknest/protocol';
import type { MessageStore } from '@rocknest/store';
import type { ConsumerOffsetManager } from '../metadata/index.js';
import type { RecentData } from '../offsets/recent-data.js';
import type { CheckPoints } from './check-points.js';

/**
 * Where a group's pops of a queue begin.
 *
 * Follows `getPopOffset` and `getInitOffset` of `broker/processor/PopMessageProcessor.java`.
 */
export class PopOffsets {
  /** @param byRecentData a group that begins at the end begins at 0 while the queue's first message is recent (`initPopOffsetByCheckMsgInMem`). */
  constructor(
    private readonly store: MessageStore,
    private readonly offsets: ConsumerOffsetManager,
    private readonly checkPoints: CheckPoints,
    private readonly recent: RecentData,
    private readonly byRecentData: boolean,
  ) {}

  /** The offset of the next pop; -1: the group has none yet. */
  next(topic: string, group: string, queueId: number): number {
    return this.checkPoints.nextOffset(topic, group, queueId);
  }

  /** Takes up a reset by an administrator that the group was not told of. @returns true when there was one. */
  takeReset(topic: string, group: string, queueId: number): boolean {
    const offset = this.offsets.resets.take(group, topic, queueId);
    if (offset === undefined) return false;
    this.commit(topic, group, queueId, offset);
    return true;
  }

  /** The offset of the next pop, at the beginning of the queue for a group that has none. */
  nextOrFirst(topic: string, group: string, queueId: number): number {
    const next = this.next(topic, group, queueId);
    return next >= 0 ? next : this.store.minOffset(topic, queueId);
  }

  /** Gives a group that has no offset its first one, and commits it. */
  init(topic: string, group: string, queueId: number, initMode: number): number | Promise<number> {
    if (initMode === PopInitMode.MIN || isRetryTopic(topic)) {
      return this.commit(topic, group, queueId, this.store.minOffset(topic, queueId));
    }
    // The last message of the queue, and what comes behind it.
    const last = (): number => Math.max(0, this.store.maxOffset(topic, queueId) - 1);
    if (!this.byRecentData) return this.commit(topic, group, queueId, last());
    return this.recent
      .startsRecently(topic, queueId)
      .then((isRecent) => this.commit(topic, group, queueId, isRecent ? 0 : last()));
  }

  commit(topic: string, group: string, queueId: number, offset: number): number {
    this.offsets.commit(group, topic, queueId, offset);
    return offset;
  }
}
