import type { ClientInstance } from '../../instance/client-instance.js';
import { errorText } from '../../errors.js';
import { LogLimiter } from '../../logger.js';
import type { OffsetStore } from '../offset-store.js';
import { ProcessQueue, type ProcessQueueLimits } from '../process-queue.js';
import { PullLoop, type PullLoopEvents } from '../pull-loop.js';
import type { Pull } from '../pull-types.js';
import type { ConsumeQueueRef } from '../queue-ref.js';
import type { AssignedQueue } from '../rebalance.js';
import type { HandedOut, MessageBuffer } from './message-buffer.js';

export interface LiteQueuesOptions {
  group: string;
  limits: ProcessQueueLimits;
  /** Messages that wait in all queues before pulls pause. */
  thresholdForAll: number;
  autoCommit: boolean;
  pull: Pull;
  buffer: MessageBuffer;
  offsetStore: OffsetStore;
  instance: Pick<ClientInstance, 'brokers' | 'heartbeats' | 'logger'>;
  /** The queues of this member. */
  assigned(): Iterable<AssignedQueue>;
}

/** The queues of a lite pull consumer: their pulls, how far each was consumed, and which of them are paused. */
export class LiteQueues {
  private readonly troubles = new LogLimiter();
  private readonly events: PullLoopEvents;
  /** The offset behind what was consumed; a queue that was not polled has none. Of a dropped queue it counts no more. */
  private readonly consumed = new WeakMap<ProcessQueue, number>();

  constructor(private readonly options: LiteQueuesOptions) {
    const { group, instance, buffer } = options;
    this.events = {
      onMessages: ({ processQueue }) => buffer.offer(processQueue),
      onNothingHeld: ({ processQueue }, offset) => this.consumedUpTo(processQueue, offset),
      onOffsetIllegal: (loop, offset) => {
        const { processQueue } = loop;
        instance.logger.warn(
          `group ${group}: offset ${loop.pullOffset} of ${processQueue.queue.key} is not in the queue; it goes on at ${offset}`,
        );
        // What is held lies behind the end of the queue.
        if (offset < loop.pullOffset) processQueue.clear();
        if (processQueue.messageCount === 0) this.setConsumed(processQueue, offset);
        loop.moveTo(offset, offset === loop.pullOffset);
      },
      onSubscriptionUnknown: async (_loop, address) => void (await instance.heartbeats.sendTo(address)),
      onError: ({ processQueue: { queue } }, error) => {
        if (this.troubles.allows(queue.brokerName)) {
          instance.logger.warn(`group ${group}: ${errorText(error)}; pulled again in a while`);
        }
      },
      commitOffset: () => 0,
      holdsBack: () => this.waitingCount > options.thresholdForAll,
    };
  }

  /** Messages of all queues that wait to be asked for. */
  get waitingCount(): number {
    let count = 0;
    for (const { processQueue } of this.options.assigned()) count += processQueue.waitingCount;
    return count;
  }

  open(queue: ConsumeQueueRef): AssignedQueue {
    const processQueue = new ProcessQueue(queue, this.options.limits);
    return { processQueue, loop: new PullLoop(processQueue, this.options.pull, this.events) };
  }

  /** Messages were handed out: pulls that waited for room may go on. */
  madeRoom(): void {
    for (const { loop } of this.options.assigned()) loop.wakeIfRoom();
  }

  /** These messages are consumed. */
  settle({ processQueue, entries }: HandedOut): void {
    this.consumedUpTo(processQueue, processQueue.settle(entries));
    this.madeRoom();
  }

  /** Everything that was handed out counts as consumed. */
  settleHandedOut({ processQueue }: AssignedQueue): void {
    this.settle({ processQueue, entries: processQueue.handedOut() });
  }

  /** The offset that a commit writes, or undefined when nothing of the queue was consumed. */
  consumedOffset({ processQueue }: AssignedQueue): number | undefined {
    return this.consumed.get(processQueue);
  }

  /** Goes on at another offset: what was pulled and not handed out is forgotten. */
  seek({ processQueue, loop }: AssignedQueue, offset: number): void {
    processQueue.clear();
    this.setConsumed(processQueue, offset);
    loop.moveTo(offset);
    this.madeRoom();
  }

  private consumedUpTo(processQueue: ProcessQueue, offset: number): void {
    if (processQueue.dropped || offset <= (this.consumed.get(processQueue) ?? -1)) return;
    this.setConsumed(processQueue, offset);
  }

  private setConsumed(processQueue: ProcessQueue, offset: number): void {
    this.consumed.set(processQueue, offset);
    if (this.options.autoCommit) this.options.offsetStore.update(processQueue.queue, offset, false);
  }
}
