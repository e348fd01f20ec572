import { retryTopicOf, validateTopic, type SubscriptionData } from '@rocknest/protocol';
import { invalidArgument } from '../support/check.js';
import { MessageSelector } from './message-selector.js';

/** What a consumer takes: topic -> tags or SQL92 expression. */
export class Subscriptions {
  private readonly table = new Map<string, SubscriptionData>();
  private lastVersion = 0;

  /** @param retriesOf the group whose retry topic is in it from the beginning; undefined for consumers that have none (broadcasting, pulls). */
  constructor(retriesOf?: string) {
    if (retriesOf !== undefined) this.put(retryTopicOf(retriesOf), '*');
  }

  get topics(): IterableIterator<string> {
    return this.table.keys();
  }

  get all(): SubscriptionData[] {
    return [...this.table.values()];
  }

  of(topic: string): SubscriptionData | undefined {
    return this.table.get(topic);
  }

  /**
   * @param selector a text is a tag expression: `*`, or tags separated by `||`.
   * @throws MQClientError INVALID_ARGUMENT for a topic name that brokers refuse, and for a wrong expression.
   */
  put(topic: string, selector: string | MessageSelector): void {
    const problem = validateTopic(topic);
    if (problem !== undefined) throw invalidArgument(problem, { topic });
    const data = (typeof selector === 'string' ? MessageSelector.byTag(selector) : selector).subscriptionOf(topic);
    // Brokers take a subscription over only when its version is higher; two changes may fall into one millisecond.
    this.lastVersion = Math.max(Date.now(), this.lastVersion + 1);
    this.table.set(topic, { ...data, subVersion: this.lastVersion });
  }

  remove(topic: string): boolean {
    return this.table.delete(topic);
  }
}
