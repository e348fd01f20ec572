import type { ConsumeMessageDirectlyResult, DirectConsumeResult, MessageExt, MessageQueue } from '@rocknest/protocol';
import { MAX_STARTS_PER_TURN, MAX_SUSPEND_CURRENT_QUEUE_MS, MIN_SUSPEND_CURRENT_QUEUE_MS } from '../defaults.js';
import { errorText } from '../errors.js';
import { LogLimiter } from '../logger.js';
import { settledWithin } from '../support/concurrency.js';
import { Fifo } from '../support/fifo.js';
import { NOT_BEGUN, type ConsumeMessageService } from './consume-message-service.js';
import type { ConsumeOrderlyContext, MessageListenerOrderly } from './consume-types.js';
import { settleOrderly, type OrderlyCall, type OrderlyOutcomeParts, type QueueRest } from './orderly-outcome.js';
import type { HeldMessage, ProcessQueue } from './process-queue.js';

export interface OrderlyServiceOptions extends Omit<OrderlyOutcomeParts, 'troubles'> {
  listener: MessageListenerOrderly;
  /** Queues whose listener runs at once. */
  concurrency: number;
  /** Messages for one call of the listener. */
  batchMaxSize: number;
  /** ms for which a queue rests when its listener does not say how long. */
  suspendCurrentQueueMs: number;
  /** Whether the queue's lock is valid now. When it is not, it is asked for anew, and `submit` follows once it was got. */
  mayHandle(processQueue: ProcessQueue): boolean;
  /** Why a message can't be given to the listener at all, or undefined. It goes to the dead letter queue. */
  problemOf?(message: MessageExt): Error | undefined;
  /** The last handler of a queue that was dropped meanwhile has ended. */
  onDroppedEnd?(processQueue: ProcessQueue): void;
}

/**
 * Orderly consumption (RocketMQ: `impl/consumer/ConsumeMessageOrderlyService.java`): of each queue one call of the listener at a time, in the order
 * of the offsets; what fails comes again before anything after it. Queues with waiting messages stand in a ring and take turns after each
 * call, so a queue with a backlog delays no other (the reference lets one queue keep its thread for up to 60 s).
 */
export class ConsumeOrderlyService implements ConsumeMessageService {
  private readonly ring = new Fifo<ProcessQueue>();
  private readonly inRing = new Set<ProcessQueue>();
  /** Keys of the queues whose listener runs. By key: a queue that was taken anew may not begin beside its former self. */
  private readonly busy = new Set<string>();
  /** Queues that came while their former self was busy. */
  private readonly blocked = new Map<string, ProcessQueue>();
  private readonly pauses = new Map<ProcessQueue, NodeJS.Timeout>();
  private readonly endListeners = new Map<string, (() => void)[]>();
  private readonly troubles = new LogLimiter();
  private draining = false;
  private continues: NodeJS.Immediate | undefined = undefined;
  private suspended = false;
  private stopped = false;
  private onIdle: (() => void)[] = [];

  private readonly parts: OrderlyOutcomeParts;

  constructor(private readonly options: OrderlyServiceOptions) {
    this.parts = { ...options, troubles: this.troubles };
  }

  get runningCount(): number {
    return this.busy.size;
  }

  submit(processQueue: ProcessQueue): void {
    const { inRing } = this;
    if (
      processQueue.waitingCount > 0 &&
      !processQueue.paused &&
      !inRing.has(processQueue) &&
      !this.pauses.has(processQueue)
    ) {
      inRing.add(processQueue);
      this.ring.push(processQueue);
    }
    this.drain();
  }

  suspend(): void {
    this.suspended = true;
  }

  resume(): void {
    this.suspended = false;
    this.drain();
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.pauses.values()) clearTimeout(timer);
    this.pauses.clear();
    clearImmediate(this.continues);
  }

  async idle(timeoutMs: number): Promise<boolean> {
    if (this.busy.size === 0) return true;
    return settledWithin(new Promise<void>((resolve) => this.onIdle.push(resolve)), timeoutMs);
  }

  /** Resolves with true as soon as no listener runs for the queue, with false when `timeoutMs` have passed before. */
  async endedWithin({ key }: { readonly key: string }, timeoutMs: number): Promise<boolean> {
    if (!this.busy.has(key)) return true;
    const ended = new Promise<void>((resolve) => {
      const listeners = this.endListeners.get(key);
      if (listeners) listeners.push(resolve);
      else this.endListeners.set(key, [resolve]);
    });
    return settledWithin(ended, timeoutMs);
  }

  async consumeDirectly(message: MessageExt, queue: MessageQueue): Promise<ConsumeMessageDirectlyResult> {
    const startedMs = Date.now();
    const context = this.context(queue);
    const outcome = (consumeResult: DirectConsumeResult, remark = ''): ConsumeMessageDirectlyResult => ({
      consumeResult,
      remark,
      spentTimeMills: Date.now() - startedMs,
      order: true,
      autoCommit: context.autoCommit,
    });
    try {
      const result: unknown = await this.options.listener([message], context);
      if (context.directReport) return outcome(context.directReport.consumeResult, context.directReport.remark);
      if (context.deadLetters.includes(0))
        return outcome('CR_LATER', 'the listener would have it put aside as a dead letter');
      if (result === 'NOT_CONSUMED') return outcome('CR_LATER', NOT_BEGUN);
      return outcome((typeof result === 'string' ? DIRECT_RESULTS.get(result) : undefined) ?? 'CR_RETURN_NULL');
    } catch (error) {
      return outcome('CR_THROW_EXCEPTION', String(error));
    }
  }

  /** Starts as many listeners as may run. A synchronous listener ends inside of `run`, so a turn of the loop has a limit. */
  private drain(): void {
    if (this.draining) return;
    this.draining = true;
    for (let starts = 0; !this.suspended && !this.stopped && this.busy.size < this.options.concurrency; starts++) {
      if (starts === MAX_STARTS_PER_TURN) {
        clearImmediate(this.continues);
        this.continues = setImmediate(() => this.drain());
        break;
      }
      const processQueue = this.ring.shift();
      if (!processQueue) break;
      this.inRing.delete(processQueue);
      if (processQueue.dropped || processQueue.paused) continue;
      const { key } = processQueue.queue;
      if (this.busy.has(key)) this.blocked.set(key, processQueue);
      else if (this.options.mayHandle(processQueue)) this.run(processQueue);
    }
    this.draining = false;
  }

  private context({ topic, brokerName, queueId }: MessageQueue): ConsumeOrderlyContext {
    const messageQueue = { topic, brokerName, queueId };
    return { messageQueue, autoCommit: true, suspendCurrentQueueTimeMillis: -1, ackIndex: -1, deadLetters: [] };
  }

  private run(processQueue: ProcessQueue): void {
    const entries = processQueue.take(this.options.batchMaxSize);
    if (entries.length === 0) return;
    this.busy.add(processQueue.queue.key);
    const startedMs = Date.now();
    processQueue.lastConsumeMs = startedMs;
    const context = this.context(processQueue.queue);
    const ended = (result: unknown): void => this.end({ processQueue, entries, context, result, startedMs });
    context.deadLetters = this.unreadable(entries);
    if (context.deadLetters.length > 0) {
      ended('NOT_CONSUMED');
      return;
    }
    const messages = entries.map((entry) => entry.message);
    const failed = (error: unknown): void => {
      this.complain(processQueue, messages[0], error);
      ended('SUSPEND_CURRENT_QUEUE_A_MOMENT');
    };
    let result: unknown;
    try {
      result = this.options.listener(messages, context);
    } catch (error) {
      failed(error);
      return;
    }
    if (typeof (result as { then?: unknown } | undefined)?.then === 'function') {
      (result as Promise<unknown>).then(ended, failed);
    } else {
      ended(result);
    }
  }

  private unreadable(entries: readonly HeldMessage[]): number[] {
    const indexes: number[] = [];
    for (const [index, { message }] of entries.entries()) {
      const problem = this.options.problemOf?.(message);
      if (!problem) continue;
      indexes.push(index);
      this.options.logger.error(
        `message ${message.msgId} of ${message.topic} goes to the dead letter queue of group ${this.options.group}: ${errorText(problem)}`,
      );
    }
    return indexes;
  }

  private end(call: OrderlyCall): void {
    const { processQueue } = call;
    const rest = settleOrderly(call, this.parts);
    if (rest instanceof Promise) void rest.then((restMs) => this.release(processQueue, restMs));
    else this.release(processQueue, rest);
  }

  private release(processQueue: ProcessQueue, restMs: QueueRest): void {
    const { key } = processQueue.queue;
    this.busy.delete(key);
    const next = this.blocked.get(key);
    this.blocked.delete(key);
    const listeners = this.endListeners.get(key);
    this.endListeners.delete(key);
    for (const listener of listeners ?? []) listener();
    if (processQueue.dropped) this.options.onDroppedEnd?.(processQueue);
    if (this.busy.size === 0) for (const listener of this.onIdle.splice(0)) listener();
    if (next) this.submit(next);
    if (restMs !== undefined) this.pause(processQueue, restMs);
    this.submit(processQueue);
  }

  private pause(processQueue: ProcessQueue, restMs: number): void {
    if (this.stopped || processQueue.dropped) return;
    const askedMs = restMs < 0 ? this.options.suspendCurrentQueueMs : restMs;
    const timer = setTimeout(
      () => {
        this.pauses.delete(processQueue);
        if (!processQueue.dropped) this.submit(processQueue);
      },
      Math.min(Math.max(askedMs, MIN_SUSPEND_CURRENT_QUEUE_MS), MAX_SUSPEND_CURRENT_QUEUE_MS),
    );
    this.pauses.set(processQueue, timer);
  }

  private complain({ queue }: ProcessQueue, message: MessageExt, error: unknown): void {
    if (!this.troubles.allows(`handler ${queue.topic}`)) return;
    this.options.logger.warn(
      `orderly handler of group ${this.options.group} failed on message ${message.msgId} of ${message.topic} ` +
        `(delivery ${message.reconsumeTimes + 1}): ${errorText(error)}; queue ${queue.key} rests, and the message comes again`,
    );
  }
}

const DIRECT_RESULTS: ReadonlyMap<string, DirectConsumeResult> = new Map([
  ['SUCCESS', 'CR_SUCCESS'],
  ['COMMIT', 'CR_COMMIT'],
  ['ROLLBACK', 'CR_ROLLBACK'],
  ['SUSPEND_CURRENT_QUEUE_A_MOMENT', 'CR_LATER'],
]);
