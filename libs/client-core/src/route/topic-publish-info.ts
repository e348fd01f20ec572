import type { MessageQueue } from '@rocknest/protocol';

/**
 * The queues that a producer may send to, and whose turn it is (RocketMQ: `impl/producer/TopicPublishInfo.java`).
 * The list never changes; a new route makes a new object, which goes on where the old one stopped.
 */
export class TopicPublishInfo {
  /** ms of the last send: routes that nobody uses are forgotten. */
  lastUsedMs = Date.now();

  constructor(
    readonly queues: readonly MessageQueue[],
    /** True when no namesrv knows the topic and the queues are those that a broker would create for it. */
    readonly fromDefaultTopic: boolean,
    private turn = Math.floor(Math.random() * 1_000_000),
  ) {}

  get nextTurn(): number {
    return this.turn;
  }

  /**
   * The queue whose turn it is, passing over those of the broker that failed last, unless there is no other broker.
   * Only to be called when `queues` is not empty.
   */
  select(lastFailedBroker?: string): MessageQueue {
    const { queues } = this;
    const count = queues.length;
    if (lastFailedBroker !== undefined) {
      for (let i = 0; i < count; i++) {
        const queue = queues[this.step(count)];
        if (queue.brokerName !== lastFailedBroker) return queue;
      }
    }
    return queues[this.step(count)];
  }

  /** The queue whose turn it is among those of brokers that `allows` lets through, or undefined. */
  selectWhere(allows: (brokerName: string) => boolean): MessageQueue | undefined {
    const { queues } = this;
    const count = queues.length;
    for (let i = 0; i < count; i++) {
      const queue = queues[this.step(count)];
      if (allows(queue.brokerName)) return queue;
    }
    return undefined;
  }

  private step(count: number): number {
    const turn = this.turn++;
    if (this.turn >= Number.MAX_SAFE_INTEGER) this.turn = 0;
    return turn % count;
  }
}
