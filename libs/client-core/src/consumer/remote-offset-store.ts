import { ResponseCode, type MessageQueue } from '@rocknest/protocol';
import { OFFSET_QUERY_CONCURRENCY, PERSIST_UNCHANGED_EVERY_ROUNDS } from '../defaults.js';
import { errorText, responseCodeOf } from '../errors.js';
import { LogLimiter, type ClientLogger } from '../logger.js';
import { forEachLimited } from '../support/concurrency.js';
import { FirstWrites } from './first-writes.js';
import { OFFSET_NOT_FOUND, OFFSET_UNKNOWN, type OffsetStore } from './offset-store.js';
import type { ConsumeQueueRef } from './queue-ref.js';

/** The broker's side of it. */
export interface OffsetApi {
  /** Rejects with an MQBrokerError of code QUERY_NOT_FOUND when there is none. */
  queryConsumerOffset(group: string, queue: MessageQueue): Promise<number>;
  /** @returns whether the master took it; otherwise a slave did, because no master is known. */
  updateConsumerOffset(group: string, queue: MessageQueue, offset: number): Promise<boolean>;
}

interface Entry {
  readonly queue: ConsumeQueueRef;
  offset: number;
  /** What the master is known to have, or undefined. */
  persisted: number | undefined;
}

/**
 * Offsets of a clustering consumer, kept by the broker (RocketMQ: `RemoteBrokerOffsetStore.java`). The reference writes them oneway; here
 * the answer is awaited, so that an offset counts as written only when the broker took it, and a shutdown that returns has really
 * committed. An unchanged offset is sent again only now and then, or, when a slave took it in place of the master, until the master has it.
 */
export class RemoteBrokerOffsetStore implements OffsetStore {
  private readonly entries = new Map<string, Entry>();
  private readonly troubles = new LogLimiter();
  private readonly firstWrites = new FirstWrites();
  private round = 0;

  constructor(
    private readonly group: string,
    private readonly api: OffsetApi,
    private readonly logger: ClientLogger,
  ) {}

  async load(): Promise<void> {}

  update(queue: ConsumeQueueRef, offset: number, increaseOnly: boolean): void {
    const entry = this.entries.get(queue.key);
    if (!entry) this.entries.set(queue.key, { queue, offset, persisted: undefined });
    else if (!increaseOnly || offset > entry.offset) entry.offset = offset;
  }

  inMemory(queue: ConsumeQueueRef): number | undefined {
    return this.entries.get(queue.key)?.offset;
  }

  notPersisted(queue: ConsumeQueueRef): number | undefined {
    const entry = this.entries.get(queue.key);
    if (!entry || entry.offset === entry.persisted) return undefined;
    if (this.firstWrites.isDone(queue)) return entry.offset;
    // Pulls of several queues go side by side: the first offset doesn't travel with one, it is written by itself now.
    if (!this.firstWrites.isUnderWay(queue)) void this.write(entry);
    return undefined;
  }

  async read(queue: ConsumeQueueRef): Promise<number> {
    try {
      const offset = await this.api.queryConsumerOffset(this.group, queue);
      this.entries.set(queue.key, { queue, offset, persisted: offset });
      // Zero may also mean that the broker has none and found the queue to begin there.
      if (offset > 0) this.firstWrites.done(queue);
      return offset;
    } catch (error) {
      if (responseCodeOf(error) === ResponseCode.QUERY_NOT_FOUND) return OFFSET_NOT_FOUND;
      this.complain(queue, `offset of ${queue.key} not read`, error);
      return OFFSET_UNKNOWN;
    }
  }

  async persist(queue: ConsumeQueueRef): Promise<boolean> {
    const entry = this.entries.get(queue.key);
    return entry === undefined || this.write(entry);
  }

  async persistAll(): Promise<void> {
    const everything = ++this.round % PERSIST_UNCHANGED_EVERY_ROUNDS === 0;
    const due = [...this.entries.values()].filter((entry) => everything || entry.offset !== entry.persisted);
    await forEachLimited(due, OFFSET_QUERY_CONCURRENCY, async (entry) => void (await this.write(entry)));
  }

  remove(queue: ConsumeQueueRef): void {
    this.entries.delete(queue.key);
  }

  table(topic?: string): [MessageQueue, number][] {
    return [...this.entries.values()]
      .filter((entry) => topic === undefined || entry.queue.topic === topic)
      .map(({ queue, offset }) => [
        { topic: queue.topic, brokerName: queue.brokerName, queueId: queue.queueId },
        offset,
      ]);
  }

  private async write(entry: Entry): Promise<boolean> {
    let { offset } = entry;
    try {
      const isWithMaster = await this.firstWrites.alone(entry.queue, async () => {
        ({ offset } = entry);
        return this.api.updateConsumerOffset(this.group, entry.queue, offset);
      });
      // A slave takes its master's offsets over again when that is back.
      entry.persisted = isWithMaster ? offset : undefined;
      return true;
    } catch (error) {
      this.complain(entry.queue, `offset ${offset} of ${entry.queue.key} not written, tried again later`, error);
      return false;
    }
  }

  private complain(queue: ConsumeQueueRef, what: string, error: unknown): void {
    if (this.troubles.allows(queue.brokerName)) this.logger.warn(`group ${this.group}: ${what}: ${errorText(error)}`);
  }
}
