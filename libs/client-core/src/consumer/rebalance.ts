import { isRetryTopic, type MessageQueue } from '@rocknest/protocol';
import { OFFSET_QUERY_CONCURRENCY } from '../defaults.js';
import { errorText } from '../errors.js';
import { LogLimiter, type ClientLogger } from '../logger.js';
import { forEachLimited } from '../support/concurrency.js';
import type { AllocateMessageQueueStrategy } from './allocate/allocate-strategy.js';
import type { OffsetStore } from './offset-store.js';
import type { ProcessQueue } from './process-queue.js';
import type { PullLoop } from './pull-loop.js';
import { ConsumeQueueRef } from './queue-ref.js';

/** A queue that this member consumes. */
export interface AssignedQueue {
  readonly processQueue: ProcessQueue;
  readonly loop: PullLoop;
}

export interface RebalanceOptions {
  group: string;
  clientId: string;
  strategy: AllocateMessageQueueStrategy;
  offsetStore: OffsetStore;
  /** Topics that are subscribed to now. */
  topics(): Iterable<string>;
  /** The queues of a topic, or undefined as long as its route is not known. */
  queuesOf(topic: string): readonly MessageQueue[] | undefined;
  /** Client ids of the group's members, asked of a broker of the topic. Rejects when it can't be found out. */
  membersOf(topic: string): Promise<string[]>;
  /** Where consumption of a new queue begins; negative when that can't be found out now. */
  startOffset(queue: ConsumeQueueRef): Promise<number>;
  /** Makes the process queue and the loop of a new queue. */
  open(queue: ConsumeQueueRef): AssignedQueue;
  logger: ClientLogger;
}

/**
 * Shares the queues of the subscribed topics out among the members of the group (RocketMQ: `impl/consumer/RebalanceImpl.java`). Every
 * member does it by itself. Changes of the table happen one after the other: a rebalance, a reset and a release never overlap.
 */
export class Rebalance {
  private readonly assigned = new Map<string, AssignedQueue>();
  private readonly troubles = new LogLimiter();
  private tail: Promise<unknown> = Promise.resolve();
  private stopped = false;

  constructor(private readonly options: RebalanceOptions) {}

  get queues(): IterableIterator<AssignedQueue> {
    return this.assigned.values();
  }

  get size(): number {
    return this.assigned.size;
  }

  find(queue: MessageQueue): AssignedQueue | undefined {
    return this.assigned.get(ConsumeQueueRef.of(queue).key);
  }

  /** @returns true when every topic was shared out and each own queue is consumed; false asks for another try soon. */
  run(): Promise<boolean> {
    return this.exclusively(async () => {
      if (this.stopped) return true;
      const topics = new Set(this.options.topics());
      await this.dropWhere((queue) => !topics.has(queue.topic), 'its topic is not subscribed to any more');
      let balanced = true;
      for (const topic of topics) if (!(await this.rebalanceTopic(topic))) balanced = false;
      return balanced;
    });
  }

  /**
   * Drops queues, lets `change` work on them while nothing else touches the table, and forgets them. A following `run` takes those anew that
   * still belong to this member.
   */
  replace(queues: readonly MessageQueue[], change: (dropped: AssignedQueue[]) => Promise<void>): Promise<void> {
    return this.exclusively(async () => {
      const dropped: AssignedQueue[] = [];
      for (const queue of queues) {
        const entry = this.find(queue);
        if (!entry) continue;
        this.close(entry);
        dropped.push(entry);
      }
      try {
        await change(dropped);
      } finally {
        for (const { processQueue } of dropped) {
          this.options.offsetStore.remove(processQueue.queue);
          this.assigned.delete(processQueue.queue.key);
        }
      }
    });
  }

  /** No queue is taken any more. */
  stop(): void {
    this.stopped = true;
  }

  /** Drops everything. Their offsets must have been written before. */
  releaseAll(): Promise<void> {
    return this.exclusively(async () => {
      for (const entry of this.assigned.values()) this.close(entry);
      this.assigned.clear();
    });
  }

  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const run = this.tail.then(work);
    this.tail = run.catch(() => {});
    return run;
  }

  private async rebalanceTopic(topic: string): Promise<boolean> {
    const { options } = this;
    const queues = options.queuesOf(topic);
    if (!queues) {
      if (!isRetryTopic(topic) && this.troubles.allows(`route ${topic}`)) {
        options.logger.warn(`group ${options.group}: no route of topic ${topic} yet; it is consumed once it exists`);
      }
      return true;
    }
    this.troubles.clear(`route ${topic}`);
    let mine: Map<string, ConsumeQueueRef>;
    try {
      mine = await this.allocate(topic, queues);
    } catch (error) {
      if (this.troubles.allows(`members ${topic}`)) {
        options.logger.warn(
          `group ${options.group}: queues of ${topic} stay as they are, members not found out: ${errorText(error)}`,
        );
      }
      return false;
    }
    this.troubles.clear(`members ${topic}`);
    await this.dropWhere((queue) => queue.topic === topic && !mine.has(queue.key), 'another member has it');
    await this.dropStuck(topic);
    const added = [...mine.values()].filter((queue) => !this.assigned.has(queue.key));
    let complete = true;
    await forEachLimited(added, OFFSET_QUERY_CONCURRENCY, async (queue) => {
      if (!(await this.take(queue))) complete = false;
    });
    return complete;
  }

  private async allocate(topic: string, queues: readonly MessageQueue[]): Promise<Map<string, ConsumeQueueRef>> {
    const { group, clientId, strategy } = this.options;
    const members = [...new Set(await this.options.membersOf(topic))].sort();
    if (members.length === 0) throw new Error('the broker named no member');
    const mine = strategy.allocate(group, clientId, queues, members);
    return new Map(mine.map((queue) => ConsumeQueueRef.of(queue)).map((queue) => [queue.key, queue]));
  }

  private async take(queue: ConsumeQueueRef): Promise<boolean> {
    this.options.offsetStore.remove(queue);
    const offset = await this.options.startOffset(queue);
    if (offset < 0) return false;
    if (this.stopped) return true;
    const entry = this.options.open(queue);
    this.assigned.set(queue.key, entry);
    this.options.logger.debug?.(`group ${this.options.group}: takes ${queue.key} from ${offset}`);
    entry.loop.start(offset);
    return true;
  }

  private async dropStuck(topic: string): Promise<void> {
    const nowMs = Date.now();
    const stuck = (entry: AssignedQueue): boolean => entry.loop.isStuck(nowMs);
    await this.dropWhere((queue, entry) => queue.topic === topic && stuck(entry), 'its pulls have stopped; taken anew');
  }

  /** The offset is written before the queue is given up, so that the next owner goes on there. */
  private async dropWhere(test: (queue: ConsumeQueueRef, entry: AssignedQueue) => boolean, why: string): Promise<void> {
    const entries = [...this.assigned.values()].filter((entry) => test(entry.processQueue.queue, entry));
    await forEachLimited(entries, OFFSET_QUERY_CONCURRENCY, async (entry) => {
      const { queue } = entry.processQueue;
      this.close(entry);
      this.options.logger.debug?.(`group ${this.options.group}: drops ${queue.key}: ${why}`);
      await this.options.offsetStore.persist(queue);
      this.options.offsetStore.remove(queue);
      this.assigned.delete(queue.key);
    });
  }

  private close(entry: AssignedQueue): void {
    entry.processQueue.drop();
    entry.loop.stop();
  }
}
