import { isRetryTopic, type MessageQueue } from '@rocknest/protocol';

/**
 * Which queues of a topic have come while this consumer runs: a broker that it knew has more of them now. They begin at their beginning, since their first
 * messages were sent after the group had begun. Queues of a broker that was not there are left to the broker's own rule (a young queue begins at 0): it may
 * be new, or it may have been away. Retry topics have rules of their own.
 */
export class KnownQueues {
  /** Topic -> broker -> queue ids when the consumer saw them first. */
  private readonly topics = new Map<string, Map<string, Set<number>>>();

  /** Takes note of a topic's queues, the first time that there are some, and hands them on. */
  seen<T extends readonly MessageQueue[] | undefined>(topic: string, queues: T): T {
    if (!queues || queues.length === 0 || isRetryTopic(topic)) return queues;
    let brokers = this.topics.get(topic);
    if (!brokers) this.topics.set(topic, (brokers = new Map<string, Set<number>>()));
    const first = new Set(brokers.keys());
    for (const { brokerName, queueId } of queues) {
      if (first.has(brokerName)) continue;
      const known = brokers.get(brokerName);
      if (known) known.add(queueId);
      else brokers.set(brokerName, new Set([queueId]));
    }
    return queues;
  }

  isNew({ topic, brokerName, queueId }: MessageQueue): boolean {
    return this.topics.get(topic)?.get(brokerName)?.has(queueId) === false;
  }

  /** A topic that is not subscribed to any more. */
  forget(topic: string): void {
    this.topics.delete(topic);
  }
}
