import type { MessageExt, MessageQueue } from '@rocknest/protocol';
import { EXPIRED_MESSAGES_PER_SCAN, EXPIRED_MESSAGE_DELAY_LEVEL, EXPIRED_SCAN_CONCURRENCY } from '../defaults.js';
import { errorText } from '../errors.js';
import { LogLimiter, type ClientLogger } from '../logger.js';
import { forEachLimited } from '../support/concurrency.js';
import { PeriodicTask } from '../support/periodic-task.js';
import type { ConsumeStats } from './consume-stats.js';
import type { ProcessQueue } from './process-queue.js';

export interface ExpiredMessagesOptions {
  group: string;
  /** ms that a handler may take for a message; also the time between two scans. */
  consumeTimeoutMs: number;
  /** The queues that are consumed now. */
  queues(): Iterable<ProcessQueue>;
  sendBack(message: MessageExt, queue: MessageQueue, delayLevel: number): Promise<void>;
  /** A message was settled; `offset` may be committed. */
  onSettled(processQueue: ProcessQueue, offset: number): void;
  stats: ConsumeStats;
  logger: ClientLogger;
}

/**
 * Gives messages back whose handler does not end, so that their queue's offset can move on (RocketMQ: `ProcessQueue.cleanExpiredMsg`, started by
 * `ConsumeMessageConcurrentlyService`). Only the first messages of a queue are looked at: they are what keeps the offset back. The handler
 * itself can't be stopped; what it says later does not count.
 */
export class ExpiredMessages {
  private readonly task: PeriodicTask;
  private readonly troubles = new LogLimiter();

  constructor(private readonly options: ExpiredMessagesOptions) {
    this.task = new PeriodicTask(
      options.consumeTimeoutMs,
      () => this.scan(),
      (error) => options.logger.warn(`group ${options.group}: scan for expired messages failed: ${errorText(error)}`),
    );
  }

  start(): void {
    this.task.start();
  }

  /** No scan begins after this; resolves when the one under way has ended. */
  stop(): Promise<void> {
    return this.task.stop();
  }

  private scan(): Promise<void> {
    return forEachLimited([...this.options.queues()], EXPIRED_SCAN_CONCURRENCY, (processQueue) =>
      this.scanQueue(processQueue),
    );
  }

  private async scanQueue(processQueue: ProcessQueue): Promise<void> {
    const { group, consumeTimeoutMs, logger } = this.options;
    for (let count = 0; count < EXPIRED_MESSAGES_PER_SCAN && !processQueue.dropped; count++) {
      const { head } = processQueue;
      if (!head || head.startedMs === 0 || Date.now() - head.startedMs <= consumeTimeoutMs) return;
      const { message } = head;
      try {
        await this.options.sendBack(message, processQueue.queue, EXPIRED_MESSAGE_DELAY_LEVEL);
      } catch (error) {
        if (this.troubles.allows('send back'))
          logger.warn(`expired message ${message.msgId} could not be sent back: ${errorText(error)}`);
        return;
      }
      if (this.troubles.allows('expired')) {
        logger.warn(
          `group ${group}: the handler of message ${message.msgId} (topic ${message.topic}, queue ${processQueue.queue.key}, offset ${message.queueOffset}) ` +
            `has not ended after ${consumeTimeoutMs} ms (consumeTimeoutMs); the message was sent back and comes again`,
        );
      }
      if (processQueue.dropped || !processQueue.holds(head)) continue;
      this.options.stats.consumed(processQueue.queue.topic, 0, 1, Date.now() - head.startedMs);
      this.options.onSettled(processQueue, processQueue.settle([head]));
    }
  }
}
