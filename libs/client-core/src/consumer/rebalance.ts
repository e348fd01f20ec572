import { isRetryTopic, type MessageQueue } from '@rocknest/protocol';
import { HANDOVER_DELAY_MS, OFFSET_QUERY_CONCURRENCY, PULL_SETTLE_MS } from '../defaults.js';
import { errorText } from '../errors.js';
import { LogLimiter, type ClientLogger } from '../logger.js';
import { delay, forEachLimited } from '../support/concurrency.js';
import type { AllocateMessageQueueStrategy } from './allocate/allocate-strategy.js';
import type { OffsetStore } from './offset-store.js';
import type { BrokerAssignments } from './pop/broker-rebalance.js';
import type { ProcessQueue } from './process-queue.js';
import type { PullLoop } from './pull-loop.js';
import type { QueueClaims } from './queue-claims.js';
import { ConsumeQueueRef } from './queue-ref.js';

/** A queue that this member consumes. */
export interface AssignedQueue {
  readonly processQueue: ProcessQueue;
  readonly loop: PullLoop;
}

/** So many runs in a row may leave the taking to the next one: with members that come and go all the time somebody must consume. */
const MAX_POSTPONED = 3;

/** What a rebalance has found out so far. */
interface Plan {
  /** Every topic was shared out, each own queue is consumed. */
  balanced: boolean;
  /** Own queues that are not consumed yet. */
  added: ConsumeQueueRef[];
  /** Another member may have had one of them until now. */
  handedOver: boolean;
}

/** One member's part of a topic. */
interface Share {
  /** To be pulled. */
  readonly queues: readonly MessageQueue[];
  readonly popQueues: readonly MessageQueue[];
  /** Other members may have had one of these queues until now. */
  readonly hasOthers: boolean;
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
  /** Where brokers say which queues are this member's; undefined where the members share them out. */
  broker?: BrokerAssignments;
  /** Claims each queue before it is consumed; undefined where the allocation alone decides. */
  claims?: QueueClaims;
  /** True when a further rebalance was asked for since this one began. */
  superseded(): boolean;
  logger: ClientLogger;
  handoverDelayMs?: number;
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
  /** Runs in a row that took nothing because another one was asked for. */
  private postponed = 0;

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
      await this.dropWhere(
        (queue, { processQueue }) => processQueue.dropped || !topics.has(queue.topic),
        'its topic is not subscribed to any more',
      );
      this.options.broker?.retain(topics);
      const plan: Plan = { balanced: true, added: [], handedOver: false };
      for (const topic of topics) await this.rebalanceTopic(topic, plan);
      const { claims } = this.options;
      if (claims) {
        const claimed = await claims.claim(plan.added);
        if (claimed.size < plan.added.length) plan.balanced = false;
        plan.added = plan.added.filter((queue) => claimed.has(queue.key));
      } else if (plan.handedOver) {
        await delay(this.options.handoverDelayMs ?? HANDOVER_DELAY_MS);
        // Members changed once more: the next run, which follows at once, knows better who shall have these queues.
        if (this.options.superseded() && this.postponed++ < MAX_POSTPONED) return false;
      }
      this.postponed = 0;
      await forEachLimited(plan.added, OFFSET_QUERY_CONCURRENCY, async (queue) => {
        if (await this.take(queue)) return;
        plan.balanced = false;
        await claims?.disclaim(queue);
      });
      for (const { processQueue } of this.assigned.values()) if (processQueue.dropped) plan.balanced = false;
      return plan.balanced;
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
        entry.processQueue.drop();
        entry.loop.stop();
        dropped.push(entry);
      }
      try {
        await change(dropped);
      } finally {
        for (const { processQueue } of dropped) {
          await this.options.claims?.release(processQueue, async () => {});
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

  /** Drops everything and writes the offsets. */
  releaseAll(): Promise<void> {
    return this.exclusively(() => this.dropWhere(() => true, 'this member leaves'));
  }

  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const run = this.tail.then(work);
    this.tail = run.catch(() => {});
    return run;
  }

  /** Gives up what is another's now, and adds to the plan what is to be taken. */
  private async rebalanceTopic(topic: string, plan: Plan): Promise<void> {
    const { options } = this;
    const queues = options.queuesOf(topic);
    if (!queues) {
      if (!isRetryTopic(topic) && this.troubles.allows(`route ${topic}`)) {
        options.logger.warn(`group ${options.group}: no route of topic ${topic} yet; it is consumed once it exists`);
      }
      return;
    }
    this.troubles.clear(`route ${topic}`);
    let share: Share | undefined;
    try {
      share = await this.shareOf(topic, queues);
    } catch (error) {
      if (this.troubles.allows(`members ${topic}`)) {
        options.logger.warn(
          `group ${options.group}: queues of ${topic} stay as they are, members not found out: ${errorText(error)}`,
        );
      }
    }
    if (!share) {
      plan.balanced = false;
      return;
    }
    this.troubles.clear(`members ${topic}`);
    const mine = new Map(
      share.queues
        .map((queue) => ConsumeQueueRef.of(queue))
        .map((queue): [string, ConsumeQueueRef] => [queue.key, queue]),
    );
    await this.dropWhere(
      (queue, { processQueue }) => queue.topic === topic && !mine.has(queue.key) && !processQueue.dropped,
      'another member has it',
    );
    await this.dropStuck(topic);
    if (!this.stopped) options.broker?.assignPops(topic, share.popQueues);
    const added = [...mine.values()].filter((queue) => !this.assigned.has(queue.key));
    plan.added.push(...added);
    if (added.length > 0 && share.hasOthers) plan.handedOver = true;
  }

  /** What this member gets of a topic; undefined when a broker could not say. */
  private async shareOf(topic: string, queues: readonly MessageQueue[]): Promise<Share | undefined> {
    const { group, clientId, strategy, broker } = this.options;
    const assignment = await broker?.assignmentOf(topic);
    if (assignment?.by === 'NOBODY') return undefined;
    if (assignment?.by === 'BROKER') {
      return { queues: assignment.pullQueues, popQueues: assignment.popQueues, hasOthers: true };
    }
    const members = await this.members(topic);
    const allocated = strategy.allocate(group, clientId, queues, members);
    return { queues: allocated, popQueues: [], hasOthers: members.length > 1 };
  }

  private async members(topic: string): Promise<string[]> {
    const members = [...new Set(await this.options.membersOf(topic))].sort();
    if (members.length === 0) throw new Error('the broker named no member');
    return members;
  }

  private async take(queue: ConsumeQueueRef): Promise<boolean> {
    this.options.offsetStore.remove(queue);
    const offset = await this.options.startOffset(queue);
    if (offset < 0) return false;
    if (this.stopped) {
      await this.options.claims?.disclaim(queue);
      return true;
    }
    const entry = this.options.open(queue);
    this.assigned.set(queue.key, entry);
    this.options.claims?.opened(entry.processQueue);
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
      const { processQueue, loop } = entry;
      const { queue } = processQueue;
      const { claims, offsetStore, logger, group } = this.options;
      if (!processQueue.dropped) {
        logger.debug?.(`group ${group}: drops ${queue.key}: ${why}`);
        processQueue.drop({ lastResultsCount: claims !== undefined });
      }
      loop.stop();
      const write = async (): Promise<void> => {
        await pullSettled(processQueue);
        await offsetStore.persist(queue);
      };
      if (claims === undefined) await write();
      else if (!(await claims.release(processQueue, write))) {
        await write();
        return;
      }
      processQueue.drop();
      offsetStore.remove(queue);
      this.assigned.delete(queue.key);
    });
  }
}

/**
 * A pull that was sent just now may carry an older offset to commit, and brokers with several threads may handle it after the offset that is written
 * next: without this short wait the next owner would begin too early.
 */
async function pullSettled(processQueue: ProcessQueue): Promise<void> {
  const leftMs = PULL_SETTLE_MS - (Date.now() - processQueue.lastPullMs);
  if (leftMs > 0) await delay(leftMs);
}
