import type { MessageQueue } from '@rocknest/protocol';
import { RESET_OFFSET_WAIT_MS } from '../defaults.js';
import { delay } from '../support/concurrency.js';
import type { OffsetStore } from './offset-store.js';
import type { ConsumeQueueRef } from './queue-ref.js';
import type { Rebalance } from './rebalance.js';

/** How often a reset looks whether the handlers of its queues have ended. */
const RESET_LOOK_MS = 20;

/** Queues that have to be taken anew, for another reason than that members changed. */
export class QueueMoves {
  constructor(
    private readonly rebalance: Rebalance,
    private readonly offsetStore: OffsetStore,
    private readonly rebalanceSoon: () => void,
  ) {}

  /** An administrator moved these offsets: handlers of the queues may end, then the offsets are written and the queues taken anew. */
  async reset(topic: string, offsets: readonly (readonly [MessageQueue, number])[]): Promise<void> {
    const target = new Map(offsets.map(([queue, offset]) => [`${queue.brokerName} ${queue.queueId}`, offset]));
    const queues = offsets.map(([queue]) => queue).filter((queue) => queue.topic === topic);
    await this.rebalance.replace(queues, async (dropped) => {
      const deadlineMs = Date.now() + RESET_OFFSET_WAIT_MS;
      while (dropped.some(({ processQueue }) => processQueue.runningCount > 0) && Date.now() < deadlineMs) {
        await delay(RESET_LOOK_MS);
      }
      for (const { processQueue } of dropped) {
        const { queue } = processQueue;
        this.offsetStore.update(queue, target.get(`${queue.brokerName} ${queue.queueId}`)!, false);
        await this.offsetStore.persist(queue);
      }
    });
    this.rebalanceSoon();
  }

  /** Takes the queue anew at another offset. When that can't be written now, the next rebalance finds the queue missing and tries again. */
  async moveTo(queue: ConsumeQueueRef, offset: number): Promise<void> {
    let written = false;
    await this.rebalance.replace([queue], async () => {
      this.offsetStore.update(queue, offset, false);
      written = await this.offsetStore.persist(queue);
    });
    if (written) this.rebalanceSoon();
  }

  /** Another member has the queue's lock and may be further already: what is held is dropped, and nothing of it committed. */
  lockLost(queue: ConsumeQueueRef): void {
    const entry = this.rebalance.find(queue);
    entry?.loop.stop();
    entry?.processQueue.drop();
    this.offsetStore.remove(queue);
    this.rebalanceSoon();
  }
}
