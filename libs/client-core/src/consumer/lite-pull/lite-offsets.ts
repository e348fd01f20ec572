import type { MessageQueue } from '@rocknest/protocol';
import { OFFSET_QUERY_CONCURRENCY } from '../../defaults.js';
import { MQClientError, MQClientErrorCode } from '../../errors.js';
import { invalidArgument } from '../../support/check.js';
import { forEachLimited } from '../../support/concurrency.js';
import type { ConsumeQueueRef } from '../queue-ref.js';
import type { LitePullCore } from './lite-pull-core.js';

export interface CommitOptions {
  /** False: written with the next regular write (`persistConsumerOffsetIntervalMs`) or at the shutdown, and the promise resolves at once. Default: true. */
  persist?: boolean;
}

export type QueueOffset = readonly [queue: MessageQueue, offset: number];

/** Commits and seeks of a lite pull consumer. */
export class LiteOffsets {
  constructor(
    private readonly group: string,
    private readonly core: LitePullCore,
  ) {}

  async commit(queues: Iterable<MessageQueue> | undefined, { persist = true }: CommitOptions): Promise<void> {
    const { core } = this;
    const entries = queues ? [...queues].map((queue) => core.find(queue)) : core.assignedEntries;
    const changed: ConsumeQueueRef[] = [];
    for (const entry of entries) {
      core.queues.settleHandedOut(entry);
      const offset = core.queues.consumedOffset(entry);
      if (offset === undefined) continue;
      const { queue } = entry.processQueue;
      core.offsetStore.update(queue, offset, false);
      changed.push(queue);
    }
    if (persist) await this.persist(changed);
  }

  async commitOffsets(offsets: Iterable<QueueOffset>, { persist = true }: CommitOptions): Promise<void> {
    const checked = [...offsets].map(([queue, offset]) => {
      if (!Number.isSafeInteger(offset) || offset < 0)
        throw invalidArgument(`offset ${offset} of ${queue.topic} is none`);
      return [this.core.find(queue).processQueue.queue, offset] as const;
    });
    for (const [queue, offset] of checked) this.core.offsetStore.update(queue, offset, false);
    if (persist) await this.persist(checked.map(([queue]) => queue));
  }

  async seek(queue: MessageQueue, offset: number): Promise<void> {
    const { api, queues } = this.core;
    this.core.find(queue);
    const [minOffset, maxOffset] = await Promise.all([api.minOffset(queue), api.maxOffset(queue)]);
    if (!Number.isSafeInteger(offset) || offset < minOffset || offset > maxOffset) {
      throw invalidArgument(
        `seek of ${queue.topic} ${queue.brokerName} ${queue.queueId} to ${offset}: the queue has the offsets ${minOffset} to ${maxOffset}`,
        { offset, minOffset, maxOffset },
      );
    }
    // The queue may have gone to another member meanwhile.
    queues.seek(this.core.find(queue), offset);
  }

  private async persist(queues: readonly ConsumeQueueRef[]): Promise<void> {
    const failed: string[] = [];
    await forEachLimited(queues, OFFSET_QUERY_CONCURRENCY, async (queue) => {
      if (!(await this.core.offsetStore.persist(queue))) failed.push(queue.key);
    });
    if (failed.length === 0) return;
    throw new MQClientError(
      MQClientErrorCode.OFFSET_NOT_WRITTEN,
      `group ${this.group}: offsets of ${failed.length} queues were not written (${failed.slice(0, 3).join(', ')}); they are tried again with the next write`,
      { retriable: true, details: { queues: failed } },
    );
  }
}
