import type { MessageQueue, SubscriptionData } from '@rocknest/protocol';
import { invalidArgument } from '../../support/check.js';
import type { MessageSelector } from '../message-selector.js';
import { ConsumeQueueRef } from '../queue-ref.js';
import { Subscriptions } from '../subscriptions.js';

/** SUBSCRIBE: topics, whose queues are shared out. ASSIGN: queues that were named. */
export type SubscriptionMode = 'NONE' | 'SUBSCRIBE' | 'ASSIGN';

/** What a lite pull consumer gets: topics, or queues; never both (RocketMQ: `SubscriptionType` of `DefaultLitePullConsumerImpl`). */
export class LitePullSubscriptions {
  private readonly filters = new Subscriptions();
  private assigned = new Map<string, MessageQueue[]>();
  private current: SubscriptionMode = 'NONE';

  get mode(): SubscriptionMode {
    return this.current;
  }

  get topics(): IterableIterator<string> {
    return this.current === 'ASSIGN' ? this.assigned.keys() : this.filters.topics;
  }

  /** Brokers learn of topics only: queues that were assigned are nobody else's business. */
  get ofHeartbeat(): SubscriptionData[] {
    return this.current === 'ASSIGN' ? [] : this.filters.all;
  }

  of(topic: string): SubscriptionData | undefined {
    return this.filters.of(topic);
  }

  /** The queues of a topic that were assigned; undefined where queues are shared out. */
  assignedOf(topic: string): readonly MessageQueue[] | undefined {
    return this.current === 'ASSIGN' ? (this.assigned.get(topic) ?? []) : undefined;
  }

  /** @throws MQClientError INVALID_ARGUMENT. */
  subscribe(topic: string, selector: string | MessageSelector): void {
    this.become('SUBSCRIBE');
    this.filters.put(topic, selector);
  }

  unsubscribe(topic: string): boolean {
    return this.current === 'SUBSCRIBE' && this.filters.remove(topic);
  }

  /** @throws MQClientError INVALID_ARGUMENT. */
  filterAssigned(topic: string, selector: string | MessageSelector): void {
    this.become('ASSIGN');
    this.filters.put(topic, selector);
  }

  /** @throws MQClientError INVALID_ARGUMENT. */
  assign(queues: Iterable<MessageQueue>): void {
    const given = new Map([...queues].map((queue) => [ConsumeQueueRef.of(queue).key, queue]));
    if (given.size === 0)
      throw invalidArgument('assign needs at least one queue; pause() or shutdown() stops the pulls');
    this.become('ASSIGN');
    const assigned = new Map<string, MessageQueue[]>();
    for (const { topic, brokerName, queueId } of given.values()) {
      if (!Number.isSafeInteger(queueId) || queueId < 0)
        throw invalidArgument(`queue id ${queueId} of ${topic} is none`);
      if (!this.filters.of(topic)) this.filters.put(topic, '*');
      assigned.set(topic, [...(assigned.get(topic) ?? []), { topic, brokerName, queueId }]);
    }
    this.assigned = assigned;
  }

  private become(mode: SubscriptionMode): void {
    if (this.current !== 'NONE' && this.current !== mode) {
      throw invalidArgument('subscribe and assign exclude each other: a consumer is given topics, or queues');
    }
    this.current = mode;
  }
}
