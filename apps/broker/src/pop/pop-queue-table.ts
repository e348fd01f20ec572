import { PopQueue } from './pop-queue.js';

/** The queues that groups pop, by topic, group and queue id, and by the number that stands in check points. */
export class PopQueueTable {
  private readonly topics = new Map<string, Map<string, Map<number, PopQueue>>>();
  private readonly byRef: (PopQueue | undefined)[] = [];
  private readonly freeRefs: number[] = [];

  get size(): number {
    return this.byRef.length - this.freeRefs.length;
  }

  find(topic: string, group: string, queueId: number): PopQueue | undefined {
    return this.topics.get(topic)?.get(group)?.get(queueId);
  }

  obtain(topic: string, group: string, queueId: number): PopQueue {
    let groups = this.topics.get(topic);
    if (groups === undefined) this.topics.set(topic, (groups = new Map<string, Map<number, PopQueue>>()));
    let queues = groups.get(group);
    if (queues === undefined) groups.set(group, (queues = new Map<number, PopQueue>()));
    let queue = queues.get(queueId);
    if (queue === undefined) {
      const ref = this.freeRefs.pop() ?? this.byRef.length;
      queue = new PopQueue(ref, topic, group, queueId);
      this.byRef[ref] = queue;
      queues.set(queueId, queue);
    }
    return queue;
  }

  /** The queue of a check point. */
  of(ref: number): PopQueue {
    return this.byRef[ref]!;
  }

  /** Forgets a queue of which nothing is pending. */
  dropIfIdle(queue: PopQueue): void {
    if (!queue.isSettled || queue.checkPoints > 0 || queue.locked || this.byRef[queue.ref] !== queue) return;
    const groups = this.topics.get(queue.topic);
    const queues = groups?.get(queue.group);
    queues?.delete(queue.queueId);
    if (queues?.size === 0) groups?.delete(queue.group);
    if (groups?.size === 0) this.topics.delete(queue.topic);
    this.byRef[queue.ref] = undefined;
    this.freeRefs.push(queue.ref);
  }

  ofTopic(topic: string): PopQueue[] {
    return [...(this.topics.get(topic)?.values() ?? [])].flatMap((queues) => [...queues.values()]);
  }

  all(): PopQueue[] {
    return this.byRef.filter((queue) => queue !== undefined);
  }
}
