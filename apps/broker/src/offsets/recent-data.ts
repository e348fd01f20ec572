import { totalmem } from 'node:os';
import type { MessageStore } from '@rocknest/store';
import { IN_MEMORY_RATIO } from '../defaults.js';

/**
 * RocketMQ's idea of messages that are "in memory": those within 40 % of the machine's memory from the end of the log.
 *
 * Follows `checkInDiskByCommitOffset` of `store/DefaultMessageStore.java` (4.9 to 5.0).
 */
export class RecentData {
  private readonly recentBytes = totalmem() * IN_MEMORY_RATIO;

  constructor(private readonly store: MessageStore) {}

  /** True when the queue still begins at offset 0 and its first message is recent; an empty queue counts as recent. */
  async startsRecently(topic: string, queueId: number): Promise<boolean> {
    if (this.store.minOffset(topic, queueId) > 0) return false;
    const first = await this.store.cqEntry(topic, queueId, 0);
    return first === undefined || this.store.maxPhysicalOffset - first.physicalOffset <= this.recentBytes;
  }
}
