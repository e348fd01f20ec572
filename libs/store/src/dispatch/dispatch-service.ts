import type { PendingAppend } from '../commit-log/pending-append.js';
import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import type { Clock } from '../io/clock.js';
import type { ConfirmGate } from '../replication/confirm-gate.js';
import type { StoreLogger } from '../types.js';
import type { DispatchRequest, Dispatcher } from './dispatch-request.js';
import { hasQueueEntry } from './tags-code.js';

/** Told of each message that consumers can see from now on; `queueOffset` is its own. Called in queue order, right after the commit. */
export type ArrivalListener = (topic: string, queueId: number, queueOffset: number, tagsCode: number) => void;

/** Puts whose answers wait for something, slaves above all. */
export interface HeldAnswers {
  /** Answers these now or later, each once, in their order; called after they were dispatched. */
  hold(appends: readonly PendingAppend[]): void;
}

/**
 * Makes stored records visible: consume queue entry, further dispatchers, then the arrival listeners. It runs in log order, right
 * after the write (ASYNC_FLUSH) or the fdatasync (SYNC_FLUSH), so an answered message can be read at once (RocketMQ's ReputMessageService).
 */
export class DispatchService {
  readonly dispatchers: Dispatcher[] = [];
  /** Physical offset up to which everything was dispatched. */
  dispatchedOffset = 0;
  /** Physical offset and store time of the newest dispatched record, for the checkpoint. */
  lastRecordOffset = -1;
  lastStoreTimestamp = 0;
  /** Who answers the puts; undefined: they are answered at once. */
  heldAnswers: HeldAnswers | undefined = undefined;
  /** What is written waits here until it may be seen; undefined: it may be seen at once. */
  gate: ConfirmGate | undefined = undefined;
  private readonly listeners: ArrivalListener[] = [];

  constructor(
    private readonly queues: ConsumeQueueStore,
    private readonly clock: Clock,
    private readonly logger: StoreLogger,
  ) {}

  onArrival(listener: ArrivalListener): void {
    this.listeners.push(listener);
  }

  /** Appends that are written (SYNC_FLUSH: flushed). */
  complete(appends: readonly PendingAppend[]): void {
    if (this.gate === undefined) this.completeNow(appends);
    else this.gate.hold(appends);
  }

  /** Dispatches appends, answers them, then tells the listeners: everything a woken reader looks at is in place. */
  completeNow(appends: readonly PendingAppend[]): void {
    const nowMs = this.clock.monotonicMs();
    for (const append of appends) this.dispatchAppend(append, nowMs);
    if (this.heldAnswers === undefined) this.answer(appends);
    else this.heldAnswers.hold(appends);
    if (this.listeners.length > 0) for (const append of appends) this.notify(append);
  }

  /** Answers puts, whatever becomes of the callback of one of them. */
  answer(appends: readonly PendingAppend[]): void {
    for (const append of appends) {
      try {
        append.answer();
      } catch (error) {
        this.report('the callback of a put', error);
      }
    }
  }

  /** Records that came from a master and were written. */
  replicated(requests: readonly DispatchRequest[]): void {
    if (this.gate === undefined) this.replicatedNow(requests);
    else this.gate.holdReplicated(requests);
  }

  /** Dispatches records of a master, then tells the listeners. */
  replicatedNow(requests: readonly DispatchRequest[]): void {
    for (const request of requests) this.redispatch(request);
    for (const { topic, queueId, queueOffset, tagsCode, sysFlag } of requests)
      if (hasQueueEntry(sysFlag)) this.tell(topic, queueId, queueOffset, tagsCode);
  }

  /** Dispatches a record that recovery found. @returns true when it was new to its queue. */
  redispatch(request: DispatchRequest): boolean {
    const { topic, queueId, queueOffset, physicalOffset, sizeBytes, tagsCode, sysFlag } = request;
    let isNew = false;
    if (hasQueueEntry(sysFlag)) {
      const queue = this.queues.findOrCreate(topic, queueId);
      isNew = this.queues.redispatch(queue, queueOffset, physicalOffset, sizeBytes, tagsCode);
    }
    for (const dispatcher of this.dispatchers) dispatcher.dispatch(request);
    this.moved(physicalOffset, sizeBytes, request.storeTimestamp);
    return isNew;
  }

  private dispatchAppend(append: PendingAppend, nowMs: number): void {
    const { queue, batch } = append;
    if (batch === undefined) {
      if (hasQueueEntry(append.sysFlag)) {
        this.queues.append(queue, append.physicalOffset, append.sizeBytes, append.tagsCode, nowMs);
      }
      this.moved(append.physicalOffset, append.sizeBytes, append.storeTimestamp);
    } else {
      let physicalOffset = append.physicalOffset;
      for (let i = 0; i < batch.sizes.length; i++) {
        this.queues.append(queue, physicalOffset, batch.sizes[i], batch.tagsCodes[i], nowMs);
        this.moved(physicalOffset, batch.sizes[i], append.storeTimestamp);
        physicalOffset += batch.sizes[i];
      }
    }
    if (this.dispatchers.length > 0) this.dispatchFurther(append);
  }

  private dispatchFurther(append: PendingAppend): void {
    const { queue, batch, sysFlag, storeTimestamp } = append;
    let physicalOffset = append.physicalOffset;
    let recordEnd = append.recordAt;
    for (let i = 0; i < append.messageCount; i++) {
      const sizeBytes = batch === undefined ? append.sizeBytes : batch.sizes[i];
      const propertiesBytes = batch === undefined ? append.propertiesBytes : batch.propertiesBytes[i];
      recordEnd += sizeBytes;
      const request: DispatchRequest = {
        topic: queue.topic,
        queueId: queue.queueId,
        queueOffset: append.queueOffset + i,
        physicalOffset,
        sizeBytes,
        tagsCode: batch === undefined ? append.tagsCode : batch.tagsCodes[i],
        storeTimestamp,
        sysFlag,
        properties: append.slice(recordEnd - propertiesBytes, recordEnd),
      };
      for (const dispatcher of this.dispatchers) dispatcher.dispatch(request);
      physicalOffset += sizeBytes;
    }
  }

  private notify(append: PendingAppend): void {
    if (!hasQueueEntry(append.sysFlag)) return;
    const { topic, queueId } = append.queue;
    for (let i = 0; i < append.messageCount; i++) {
      const tagsCode = append.batch === undefined ? append.tagsCode : append.batch.tagsCodes[i];
      this.tell(topic, queueId, append.queueOffset + i, tagsCode);
    }
  }

  private tell(topic: string, queueId: number, queueOffset: number, tagsCode: number): void {
    for (const listener of this.listeners) {
      try {
        listener(topic, queueId, queueOffset, tagsCode);
      } catch (error) {
        this.report('an arrival listener', error);
      }
    }
  }

  private moved(physicalOffset: number, sizeBytes: number, storeTimestamp: number): void {
    this.dispatchedOffset = physicalOffset + sizeBytes;
    this.lastRecordOffset = physicalOffset;
    this.lastStoreTimestamp = storeTimestamp;
  }

  private report(what: string, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.logger.error(`${what} threw, which must not happen: ${text}`);
  }
}
