import { decodeMessages, type MessageExt } from '@rocknest/protocol';
import type { MessageStore } from '@rocknest/store';
import type { BrokerLogger } from '../logger.js';
import { REVIVE_READ_MESSAGES } from './defaults.js';
import { isFromTimer, type ReviveRecords } from './revive-records.js';
import type { ReviveProgress } from './revive-progress.js';

export interface ReviveReaderOptions {
  readonly topic: string;
  readonly reviveQueueNum: number;
  readonly logger: BrokerLogger;
}

/**
 * Reads the revive topic: at the start from where everything before is done with, so that check points which were pending come back, and later what the
 * timer delivers there for a Java broker that had the store before. What this broker writes itself is passed over without being read.
 *
 * Does what the reading part of `broker/processor/PopReviveService.java` does.
 */
export class ReviveReader {
  private reading: Promise<void> | undefined = undefined;

  constructor(
    private readonly store: MessageStore,
    private readonly progress: ReviveProgress,
    private readonly records: ReviveRecords,
    private readonly options: ReviveReaderOptions,
  ) {}

  /** Everything that is there, before the broker serves anybody. */
  async recover(): Promise<void> {
    for (let queueId = 0; queueId < this.options.reviveQueueNum; queueId++) {
      this.progress.wasRead(queueId, this.progress.startOffset(queueId));
      await this.read(queueId, () => true);
    }
  }

  /** What came since. One look at a time. */
  look(onError: (error: unknown) => void): void {
    if (this.reading !== undefined || !this.hasUnread) return;
    this.reading = this.readUnread()
      .catch(onError)
      .finally(() => {
        this.reading = undefined;
      });
  }

  async stop(): Promise<void> {
    await this.reading;
  }

  private get hasUnread(): boolean {
    const { topic, reviveQueueNum } = this.options;
    for (let queueId = 0; queueId < reviveQueueNum; queueId++) {
      if (this.progress.unreadFrom(queueId) < this.store.maxOffset(topic, queueId)) return true;
    }
    return false;
  }

  private async readUnread(): Promise<void> {
    for (let queueId = 0; queueId < this.options.reviveQueueNum; queueId++) await this.read(queueId, isFromTimer);
  }

  private async read(queueId: number, isWanted: (message: MessageExt) => boolean): Promise<void> {
    const { topic, logger } = this.options;
    const end = this.store.maxOffset(topic, queueId);
    let lost = 0;
    for (let offset = this.progress.unreadFrom(queueId); offset < end; offset = this.progress.unreadFrom(queueId)) {
      const result = await this.store.getMessage({
        topic,
        queueId,
        queueOffset: offset,
        maxMessages: REVIVE_READ_MESSAGES,
      });
      for (const record of result.records) {
        for (const message of decodeMessages(record)) {
          if (isWanted(message) && !this.records.take(message, queueId)) lost++;
        }
      }
      // Records that retention took meanwhile are passed over.
      this.progress.wasRead(queueId, Math.max(result.nextBeginOffset, offset + 1));
    }
    if (lost > 0) {
      logger.warn(
        `${lost} records of queue ${queueId} of ${topic} were passed over: they are no check points or acknowledgements of this broker`,
      );
    }
  }
}
