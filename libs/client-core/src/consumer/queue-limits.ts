import type { ProcessQueueLimits } from './process-queue.js';

/** Limits for all queues of a topic together; Infinity: none. */
export interface TopicLimits {
  maxMessages: number;
  maxBytes: number;
}

/**
 * What each queue may hold. A limit for the topic is shared out evenly among the queues of it that this member has, and overrules that for each
 * queue (RocketMQ: `RebalancePushImpl.messageQueueChanged`).
 */
export class QueueLimits {
  private readonly byTopic = new Map<string, ProcessQueueLimits>();

  constructor(
    private readonly forQueue: ProcessQueueLimits,
    private readonly forTopic: TopicLimits,
  ) {}

  /** The limits of a queue of this topic: one object for all of them, which changes with their number. */
  of(topic: string): ProcessQueueLimits {
    if (this.forTopic.maxMessages === Infinity && this.forTopic.maxBytes === Infinity) return this.forQueue;
    let limits = this.byTopic.get(topic);
    if (!limits) this.byTopic.set(topic, (limits = this.share(1)));
    return limits;
  }

  /** These are the queues now. */
  update(queues: Iterable<{ readonly topic: string }>): void {
    if (this.byTopic.size === 0) return;
    const counts = new Map<string, number>();
    for (const { topic } of queues) counts.set(topic, (counts.get(topic) ?? 0) + 1);
    for (const [topic, limits] of this.byTopic) {
      const count = counts.get(topic);
      if (count === undefined) this.byTopic.delete(topic);
      else Object.assign(limits, this.share(count));
    }
  }

  private share(queueCount: number): ProcessQueueLimits {
    const { forQueue, forTopic } = this;
    const part = (ofTopic: number, ofQueue: number): number =>
      ofTopic === Infinity ? ofQueue : Math.max(1, Math.floor(ofTopic / queueCount));
    return {
      maxMessages: part(forTopic.maxMessages, forQueue.maxMessages),
      maxBytes: part(forTopic.maxBytes, forQueue.maxBytes),
      maxSpan: forQueue.maxSpan,
    };
  }
}
