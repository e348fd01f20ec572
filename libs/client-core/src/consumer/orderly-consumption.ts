import type { LockBatchRequestBody, MessageExt, MessageQueue } from '@rocknest/protocol';
import type { OutgoingMessage } from '../producer/outgoing-message.js';
import { ConsumeOrderlyService } from './consume-orderly-service.js';
import type { MessageListenerOrderly } from './consume-types.js';
import type { Consumption, ConsumptionParts } from './consumption.js';
import type { ProcessQueue } from './process-queue.js';
import { broadcastFailed } from './message-model.js';
import { QueueLocks } from './queue-locks.js';
import type { SendBack } from './send-back.js';

/** What orderly consumption asks of the consumer beside what every kind does. */
export interface OrderlyHooks {
  /** What is held of the queue is worthless: its lock is another member's. */
  onLost(processQueue: ProcessQueue): void;
  /** The last handler of a dropped queue has ended: the queue can be given up. */
  onDroppedEnd(processQueue: ProcessQueue): void;
}

/**
 * A copy for the retry topic of which every broker makes a dead letter: its header counts one redelivery more than it allows. (A broker
 * on which the group holds locks would do so anyway.)
 */
function deadLetterOf(message: MessageExt, sendBack: SendBack): OutgoingMessage {
  const { reconsumeTimes } = message;
  return {
    ...sendBack.retryMessage(message, 0),
    reconsumeTimes: reconsumeTimes + 1,
    maxReconsumeTimes: reconsumeTimes,
  };
}

export function createOrderlyConsumption(
  parts: ConsumptionParts,
  listener: MessageListenerOrderly,
  sendBack: SendBack,
  send: (message: OutgoingMessage) => Promise<void>,
): Consumption {
  const { options, api, instance, orderly } = parts;
  const { group, client } = options;
  const broadcasts = options.model.messageModel === 'BROADCASTING';
  const service: ConsumeOrderlyService = new ConsumeOrderlyService({
    group,
    listener,
    concurrency: options.concurrency,
    batchMaxSize: options.batchMaxSize,
    maxReconsumeTimes: options.maxReconsumeTimes,
    suspendCurrentQueueMs: options.suspendCurrentQueueMs,
    // Every queue of a broadcasting member is its own: there is nobody to lock it against.
    mayHandle: (processQueue) => broadcasts || locks.mayHandle(processQueue),
    sendToDeadLetters: (message) =>
      broadcasts ? broadcastFailed(options, message, -1) : send(deadLetterOf(message, sendBack)),
    problemOf: parts.problemOf,
    onSettled: parts.onSettled,
    onDroppedEnd: orderly.onDroppedEnd,
    stats: parts.stats,
    logger: client.logger,
  });
  const body = (queues: readonly MessageQueue[]): LockBatchRequestBody => ({
    consumerGroup: group,
    clientId: instance.clientId,
    mqSet: queues.map(({ topic, brokerName, queueId }) => ({ topic, brokerName, queueId })),
    onlyThisBroker: false,
  });
  const locks: QueueLocks = new QueueLocks({
    group,
    lock: (brokerName, queues) => api.lockBatch(brokerName, body(queues)),
    unlock: (brokerName, queues) => api.unlockBatch(brokerName, body(queues)),
    lockIntervalMs: options.lockIntervalMs,
    lockMaxLiveMs: options.lockMaxLiveMs,
    endedWithin: (queue, timeoutMs) => service.endedWithin(queue, timeoutMs),
    onRegained: (processQueue) => service.submit(processQueue),
    onLost: orderly.onLost,
    logger: client.logger,
  });
  return { service, locks: broadcasts ? undefined : locks };
}
