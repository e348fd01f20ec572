import { encodePopExtraInfo, popRetryFlagOf } from '@rocknest/protocol';
import type { GetResult } from '@rocknest/store';
import type { CheckPoints } from './check-points.js';
import type { OrderInfos } from './order-infos.js';
import { forEachRecord, queueOffsetsOf, withTopicAndHandle } from './pop-messages.js';
import type { PopOffsets } from './pop-offsets.js';
import type { PopQueue } from './pop-queue.js';
import type { PopRun, PopStage } from './pop-run.js';

export interface PopTakerOptions {
  readonly brokerName: string;
  /** Messages of retry topics come under their retry topic instead of the one that was popped. */
  readonly returnActualRetryTopic: boolean;
  /** A queue was popped in order: it is blocked now. */
  readonly onOrderChanged: (topic: string, group: string, queueId: number) => void;
}

/** Takes the messages that a pop found: notes them as popped and puts them into the answer. */
export class PopTaker {
  constructor(
    private readonly offsets: PopOffsets,
    private readonly checkPoints: CheckPoints,
    private readonly orders: OrderInfos,
    private readonly options: PopTakerOptions,
  ) {}

  /** Notes what was read of a queue and adds it to the answer. */
  take(
    run: PopRun,
    stage: PopStage,
    queueId: number,
    offset: number,
    result: GetResult,
    records: readonly Buffer[],
  ): void {
    const { header, popTimeMs } = run;
    const { topic } = stage;
    const offsets = queueOffsetsOf(records);
    const queue = this.checkPoints.queues.obtain(topic, header.consumerGroup, queueId);
    if (header.order) {
      const { consumerGroup: group, attemptId, invisibleTime: invisibleMs } = header;
      run.orderCounts.push(
        ...this.orders.popped({ attemptId, topic, group, queueId, popTimeMs, invisibleMs, offsets }),
      );
      this.offsets.commit(topic, group, queueId, offset);
      this.options.onOrderChanged(topic, group, queueId);
      this.checkPoints.queues.dropIfIdle(queue);
    } else if (!this.note(run, queue, offset, offsets, result.nextBeginOffset)) {
      run.isFull = true;
      run.restNum += result.messageCount;
      this.checkPoints.queues.dropIfIdle(queue);
      return;
    }
    const retry = popRetryFlagOf(topic);
    run.startOffsets.push({ retry, queueId, startOffset: offset });
    run.msgOffsets.push({ retry, queueId, offsets });
    run.messageCount += result.messageCount;
    if (!stage.isRetry || this.options.returnActualRetryTopic) this.add(run, records);
    else this.addUnderPoppedTopic(run, queue, offset, records);
  }

  private note(
    run: PopRun,
    queue: PopQueue,
    startOffset: number,
    offsets: readonly number[],
    nextOffset: number,
  ): boolean {
    return this.checkPoints.popped(
      queue,
      {
        startOffset,
        popTimeMs: run.popTimeMs,
        invisibleMs: run.header.invisibleTime,
        reviveQueueId: run.reviveQueueId,
        count: offsets.length,
        diffs: offsets.map((offset) => offset - startOffset),
        ackedBits: 0,
        attempts: 0,
      },
      nextOffset,
    );
  }

  private add(run: PopRun, records: readonly Buffer[]): void {
    for (const record of records) {
      run.bodies.push(record);
      run.bodyBytes += record.length;
    }
  }

  /** Clients know the topic that they popped, and find the rest in the handle. */
  private addUnderPoppedTopic(run: PopRun, queue: PopQueue, startOffset: number, records: readonly Buffer[]): void {
    let index = 0;
    const offsets = queueOffsetsOf(records);
    forEachRecord(records, (record) => {
      const handle = encodePopExtraInfo({
        ckQueueOffset: startOffset,
        popTime: run.popTimeMs,
        invisibleTime: run.header.invisibleTime,
        reviveQid: run.reviveQueueId,
        retry: popRetryFlagOf(queue.topic),
        brokerName: this.options.brokerName,
        queueId: queue.queueId,
        queueOffset: offsets[index++],
      });
      this.add(run, [withTopicAndHandle(record, run.header.topic, handle)]);
    });
  }
}
