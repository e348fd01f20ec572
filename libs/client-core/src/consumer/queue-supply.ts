import { errorText } from '../errors.js';
import type { ClientInstance } from '../instance/client-instance.js';
import { LogLimiter } from '../logger.js';
import type { ConsumeMessageService } from './consume-message-service.js';
import type { OffsetStore } from './offset-store.js';
import { PausedQueues, type QueueSelector } from './paused-queues.js';
import { ProcessQueue } from './process-queue.js';
import { PullLoop, type PullLoopEvents } from './pull-loop.js';
import type { Pull } from './pull-types.js';
import type { QueueLimits } from './queue-limits.js';
import type { ConsumeQueueRef } from './queue-ref.js';
import type { AssignedQueue } from './rebalance.js';

export interface QueueSupplyOptions {
  group: string;
  instance: Pick<ClientInstance, 'brokers' | 'heartbeats' | 'logger'>;
  limits: QueueLimits;
  pull: Pull;
  service: Pick<ConsumeMessageService, 'submit'>;
  offsetStore: OffsetStore;
  /** The queue's offset was wrong; `offset` is what the broker suggests. */
  onOffsetIllegal(queue: ConsumeQueueRef, offset: number): void;
}

/** Ties a queue's pull loop to the consume service, the offset store and the heartbeats. */
export class QueueSupply {
  private readonly troubles = new LogLimiter();
  private readonly events: PullLoopEvents;
  private readonly paused = new PausedQueues();
  private suspended = false;

  constructor(private readonly options: QueueSupplyOptions) {
    const { group, instance, service, offsetStore } = options;
    this.events = {
      onMessages: (loop) => service.submit(loop.processQueue),
      onNothingHeld: (loop, offset) => offsetStore.update(loop.processQueue.queue, offset, true),
      onOffsetIllegal: (loop, offset) => {
        const { queue } = loop.processQueue;
        instance.logger.warn(
          `group ${group}: the broker moves ${queue.key} from offset ${loop.pullOffset} to ${offset} (out of the queue, or reset by an administrator); consumption goes on there`,
        );
        options.onOffsetIllegal(queue, offset);
      },
      onSubscriptionUnknown: async (_loop, address) => void (await instance.heartbeats.sendTo(address)),
      onError: (loop, error) => {
        const { queue } = loop.processQueue;
        if (this.troubles.allows(queue.brokerName)) {
          instance.logger.warn(`group ${group}: ${errorText(error)}; pulled again in a while`);
        }
      },
      commitOffset: (loop) => offsetStore.notPersisted(loop.processQueue.queue) ?? 0,
    };
  }

  open(queue: ConsumeQueueRef): AssignedQueue {
    const processQueue = new ProcessQueue(queue, this.options.limits.of(queue.topic));
    const loop = new PullLoop(processQueue, this.options.pull, this.events);
    processQueue.paused = this.paused.covers(queue);
    if (this.suspended || processQueue.paused) loop.suspend();
    return { processQueue, loop };
  }

  /** The queues of this member have changed: limits for a topic are shared out anew. */
  queuesChanged(assigned: Iterable<AssignedQueue>): void {
    const live = [...assigned].filter(({ processQueue }) => !processQueue.dropped);
    this.options.limits.update(live.map(({ processQueue }) => processQueue.queue));
    for (const { loop } of live) loop.wakeIfRoom();
  }

  pause(selectors: readonly QueueSelector[], assigned: Iterable<AssignedQueue>): void {
    for (const selector of selectors) this.paused.pause(selector);
    this.applyPauses(assigned);
  }

  /** Ends the pauses within `selectors`. */
  goOn(selectors: readonly QueueSelector[], assigned: Iterable<AssignedQueue>): void {
    for (const selector of selectors) this.paused.resume(selector);
    this.applyPauses(assigned);
  }

  private applyPauses(assigned: Iterable<AssignedQueue>): void {
    for (const { processQueue, loop } of assigned) {
      const paused = this.paused.covers(processQueue.queue);
      if (paused === processQueue.paused) continue;
      processQueue.paused = paused;
      if (paused) loop.suspend();
      else if (!this.suspended) loop.resume();
      if (!paused) this.options.service.submit(processQueue);
    }
  }

  suspend(assigned: Iterable<AssignedQueue>): void {
    this.suspended = true;
    for (const { loop } of assigned) loop.suspend();
  }

  resume(assigned: Iterable<AssignedQueue>): void {
    this.suspended = false;
    for (const { processQueue, loop } of assigned) if (!processQueue.paused) loop.resume();
  }
}
