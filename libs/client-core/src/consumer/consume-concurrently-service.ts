import type { ConsumeMessageDirectlyResult, DirectConsumeResult, MessageExt, MessageQueue } from '@rocknest/protocol';
import { LOCAL_RETRY_DELAY_MS, MAX_STARTS_PER_TURN } from '../defaults.js';
import { errorText } from '../errors.js';
import { LogLimiter, type ClientLogger } from '../logger.js';
import { settledWithin } from '../support/concurrency.js';
import { Fifo } from '../support/fifo.js';
import { NOT_BEGUN, type ConsumeMessageService, type HeldQueue } from './consume-message-service.js';
import type { ConsumeStats } from './consume-stats.js';
import type { ConsumeContext, ListenerResult, MessageListener, MessageOutcome } from './consume-types.js';
import type { HeldMessage } from './process-queue.js';

export interface ConcurrentServiceOptions {
  group: string;
  listener: MessageListener;
  /** Handlers that run at once, over all queues. */
  concurrency: number;
  /** Messages for one call of the listener. */
  batchMaxSize: number;
  /** Gives a message back to the bus, so that it comes again later. Rejects when that failed. */
  sendBack(message: MessageExt, queue: MessageQueue, delayLevel: number): Promise<void>;
  /** Has these properties stored with the message when it is given back. Called right before `sendBack`. */
  annotate?(message: MessageExt, properties: Readonly<Record<string, string>>): void;
  /** Why a message can't be given to the listener at all, or undefined. It is given back then, and ends in the dead letter queue. */
  problemOf?(message: MessageExt): Error | undefined;
  /** Messages of a live queue were settled; `offset` may be committed. */
  onSettled(processQueue: HeldQueue, offset: number): void;
  stats: ConsumeStats;
  logger: ClientLogger;
  localRetryDelayMs?: number;
}

interface Batch {
  readonly processQueue: HeldQueue;
  readonly entries: readonly HeldMessage[];
}

/** A message that comes again. */
interface Failure {
  readonly entry: HeldMessage;
  readonly delayLevel: number;
  readonly properties: Readonly<Record<string, string>> | undefined;
}

const ALL = Number.MAX_SAFE_INTEGER;

/**
 * Concurrent consumption (RocketMQ: `impl/consumer/ConsumeMessageConcurrentlyService.java`). Queues with waiting messages stand in a
 * ring: whenever a handler may start, the next queue of the ring gives its oldest messages, so a queue with a backlog delays no other.
 */
export class ConsumeConcurrentlyService implements ConsumeMessageService {
  private readonly ring = new Fifo<HeldQueue>();
  private readonly inRing = new Set<HeldQueue>();
  private readonly retries = new Fifo<Batch>();
  private readonly retryTimers = new Set<NodeJS.Timeout>();
  private readonly troubles = new LogLimiter();
  private running = 0;
  private draining = false;
  private continues: NodeJS.Immediate | undefined = undefined;
  private suspended = false;
  private stopped = false;
  private onIdle: (() => void)[] = [];

  constructor(private readonly options: ConcurrentServiceOptions) {}

  get runningCount(): number {
    return this.running;
  }

  submit(processQueue: HeldQueue): void {
    if (!this.inRing.has(processQueue) && !processQueue.paused && processQueue.waitingCount > 0) {
      this.inRing.add(processQueue);
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
    for (const timer of this.retryTimers) clearTimeout(timer);
    this.retryTimers.clear();
    clearImmediate(this.continues);
  }

  async idle(timeoutMs: number): Promise<boolean> {
    if (this.running === 0) return true;
    return settledWithin(new Promise<void>((resolve) => this.onIdle.push(resolve)), timeoutMs);
  }

  async consumeDirectly(message: MessageExt, queue: MessageQueue): Promise<ConsumeMessageDirectlyResult> {
    const startedMs = Date.now();
    const outcome = (consumeResult: DirectConsumeResult, remark = ''): ConsumeMessageDirectlyResult => ({
      consumeResult,
      remark,
      spentTimeMills: Date.now() - startedMs,
      order: false,
      autoCommit: true,
    });
    const context = this.context(queue);
    try {
      const result = await this.options.listener([message], context);
      if (context.directReport) return outcome(context.directReport.consumeResult, context.directReport.remark);
      const said = context.outcomes?.[0];
      if (result === 'CONSUME_SUCCESS' && (said === undefined || said === 'CONSUME_SUCCESS'))
        return outcome('CR_SUCCESS');
      if (result === 'NOT_CONSUMED') return outcome('CR_LATER', NOT_BEGUN);
      return result === 'RECONSUME_LATER' || result === 'CONSUME_SUCCESS'
        ? outcome('CR_LATER')
        : outcome('CR_RETURN_NULL');
    } catch (error) {
      return outcome('CR_THROW_EXCEPTION', String(error));
    }
  }

  /** Starts as many handlers as may run. A synchronous listener ends inside of `run`, so a turn of the loop has a limit. */
  private drain(): void {
    if (this.draining) return;
    this.draining = true;
    for (let starts = 0; !this.suspended && !this.stopped && this.running < this.options.concurrency; starts++) {
      if (starts === MAX_STARTS_PER_TURN) {
        clearImmediate(this.continues);
        this.continues = setImmediate(() => this.drain());
        break;
      }
      const batch = this.nextRetry() ?? this.nextBatch();
      if (!batch) break;
      if (batch.processQueue.dropped) batch.processQueue.settle(batch.entries);
      else this.run(batch);
    }
    this.draining = false;
  }

  private nextRetry(): Batch | undefined {
    const batch = this.retries.shift();
    if (!batch?.processQueue.paused) return batch;
    // Looked at again after a while, until its queue goes on.
    this.retryLater(batch);
    return this.nextRetry();
  }

  private nextBatch(): Batch | undefined {
    for (;;) {
      const processQueue = this.ring.shift();
      if (!processQueue) return undefined;
      const rests = processQueue.dropped || processQueue.paused;
      const entries = rests ? [] : processQueue.take(this.options.batchMaxSize);
      if (!rests && processQueue.waitingCount > 0) this.ring.push(processQueue);
      else this.inRing.delete(processQueue);
      if (entries.length > 0) return { processQueue, entries };
    }
  }

  private problemOf(messages: readonly MessageExt[]): Error | undefined {
    const { problemOf } = this.options;
    if (!problemOf) return undefined;
    for (const message of messages) {
      const problem = problemOf(message);
      if (problem) return problem;
    }
    return undefined;
  }

  private context(messageQueue: MessageQueue): ConsumeContext {
    return { messageQueue, delayLevelWhenNextConsume: 0, ackIndex: ALL };
  }

  private run(batch: Batch): void {
    this.running++;
    const startedMs = Date.now();
    batch.processQueue.lastConsumeMs = startedMs;
    const context = this.context(batch.processQueue.queue);
    const messages = batch.entries.map((entry) => entry.message);
    for (const entry of batch.entries) entry.startedMs = startedMs;
    const problem = this.problemOf(messages);
    if (problem) {
      this.failed(batch, problem);
      this.end(batch, context, 'RECONSUME_LATER', startedMs);
      return;
    }
    let result: ListenerResult | Promise<ListenerResult>;
    try {
      result = this.options.listener(messages, context);
    } catch (error) {
      this.failed(batch, error);
      this.end(batch, context, 'RECONSUME_LATER', startedMs);
      return;
    }
    if (!isPromise(result)) {
      this.end(batch, context, result, startedMs);
      return;
    }
    result.then(
      (value) => this.end(batch, context, value, startedMs),
      (error: unknown) => {
        this.failed(batch, error);
        this.end(batch, context, 'RECONSUME_LATER', startedMs);
      },
    );
  }

  private failed(batch: Batch, error: unknown): void {
    const { queue } = batch.processQueue;
    const first = batch.entries[0].message;
    if (!this.troubles.allows(`handler ${queue.topic}`)) return;
    this.options.logger.warn(
      `handler of group ${this.options.group} failed on message ${first.msgId} of ${first.topic} ` +
        `(delivery ${first.reconsumeTimes + 1}): ${errorText(error)}; the message comes again`,
    );
  }

  private end(batch: Batch, context: ConsumeContext, result: unknown, startedMs: number): void {
    const { processQueue, entries } = batch;
    if (result === 'NOT_CONSUMED') {
      if (!processQueue.dropped) this.retryLater(batch);
      this.release();
      return;
    }
    const [handled, failures] = sortOut(entries, context, result === 'CONSUME_SUCCESS');
    this.options.stats.consumed(processQueue.queue.topic, handled.length, failures.length, Date.now() - startedMs);
    if (result !== 'CONSUME_SUCCESS' && result !== 'RECONSUME_LATER' && this.troubles.allows('result')) {
      this.options.logger.warn(
        `listener of group ${this.options.group} returned ${String(result)}, taken as RECONSUME_LATER; return CONSUME_SUCCESS or RECONSUME_LATER`,
      );
    }
    if (processQueue.dropped) {
      processQueue.settle(entries);
      this.release();
      return;
    }
    if (handled.length > 0) this.settle(processQueue, handled);
    if (failures.length === 0) this.release();
    else void this.giveBack(processQueue, failures);
  }

  /** The handler's slot stays taken until its messages are given back: a slow broker slows the consumer down instead of piling up requests. */
  private async giveBack(processQueue: HeldQueue, failures: readonly Failure[]): Promise<void> {
    const kept: HeldMessage[] = [];
    for (const { entry, delayLevel, properties } of failures) {
      if (processQueue.dropped) break;
      // It ran over its time and was given back then.
      if (!processQueue.holds(entry)) continue;
      try {
        if (properties) this.options.annotate?.(entry.message, properties);
        await this.options.sendBack(entry.message, processQueue.queue, delayLevel);
        if (!processQueue.dropped) this.settle(processQueue, [entry]);
      } catch (error) {
        kept.push(entry);
        if (this.troubles.allows('send back')) {
          this.options.logger.warn(
            `message ${entry.message.msgId} of group ${this.options.group} could not be sent back (${errorText(error)}); handled again here`,
          );
        }
      }
    }
    if (processQueue.dropped) {
      processQueue.settle(failures.map(({ entry }) => entry));
    } else if (kept.length > 0) {
      for (const { message } of kept) message.reconsumeTimes++;
      this.retryLater({ processQueue, entries: kept });
    }
    this.release();
  }

  /** Hands the batch out again after a while, unless the consumer stops before. */
  private retryLater(batch: Batch): void {
    if (this.stopped) return;
    for (const entry of batch.entries) entry.startedMs = 0;
    const timer = setTimeout(() => {
      this.retryTimers.delete(timer);
      this.retries.push(batch);
      this.drain();
    }, this.options.localRetryDelayMs ?? LOCAL_RETRY_DELAY_MS);
    this.retryTimers.add(timer);
  }

  private settle(processQueue: HeldQueue, entries: readonly HeldMessage[]): void {
    this.options.onSettled(processQueue, processQueue.settle(entries));
  }

  private release(): void {
    this.running--;
    if (this.running === 0 && this.onIdle.length > 0) {
      const listeners = this.onIdle;
      this.onIdle = [];
      for (const listener of listeners) listener();
    }
    this.drain();
  }
}

/** The messages of a call that were handled, and those that come again. */
function sortOut(
  entries: readonly HeldMessage[],
  context: ConsumeContext,
  succeeded: boolean,
): [handled: readonly HeldMessage[], failures: readonly Failure[]] {
  const { outcomes, delayLevelWhenNextConsume } = context;
  const ackIndex = succeeded ? context.ackIndex : -1;
  if (ackIndex >= entries.length - 1 && outcomes === undefined) return [entries, []];
  const handled: HeldMessage[] = [];
  const failures: Failure[] = [];
  for (const [index, entry] of entries.entries()) {
    const outcome: MessageOutcome =
      outcomes?.[index] ?? (index <= ackIndex ? 'CONSUME_SUCCESS' : { delayLevel: delayLevelWhenNextConsume });
    if (outcome === 'CONSUME_SUCCESS') handled.push(entry);
    else failures.push({ entry, delayLevel: outcome.delayLevel, properties: outcome.properties });
  }
  return [handled, failures];
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}
