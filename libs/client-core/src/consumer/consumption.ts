import type { MessageExt } from '@rocknest/protocol';
import type { ClientInstance } from '../instance/client-instance.js';
import { innerSender } from '../producer/inner-sender.js';
import { ConsumeConcurrentlyService } from './consume-concurrently-service.js';
import type { ConsumeMessageService, HeldQueue } from './consume-message-service.js';
import type { ConsumeStats } from './consume-stats.js';
import type { ListenerRegistration } from './consume-types.js';
import type { ConsumerApi } from './consumer-api.js';
import { createOrderlyConsumption, type OrderlyHooks } from './orderly-consumption.js';
import type { ResolvedPushConsumerOptions } from './push-consumer-options.js';
import type { QueueLocks } from './queue-locks.js';
import { SendBack } from './send-back.js';

/** What a consumer consumes with, by the kind of its listener. */
export interface Consumption {
  readonly service: ConsumeMessageService;
  /** Undefined where queues are not locked. */
  readonly locks: QueueLocks | undefined;
}

export interface ConsumptionParts {
  options: ResolvedPushConsumerOptions;
  registration: ListenerRegistration;
  instance: ClientInstance;
  api: ConsumerApi;
  stats: ConsumeStats;
  /** Why a message can't be given to a listener at all, or undefined. */
  problemOf(message: MessageExt): Error | undefined;
  /** Messages of a live queue were settled; `offset` may be committed. */
  onSettled(processQueue: HeldQueue, offset: number): void;
  orderly: OrderlyHooks;
}

/** The only place that knows which kinds of consumption there are. */
export function createConsumption(parts: ConsumptionParts): Consumption {
  const { options, registration, instance, api } = parts;
  const { group, client } = options;
  const sendBack = new SendBack({
    group,
    maxReconsumeTimes: options.maxReconsumeTimes,
    sendMessageBack: (queue, header) => api.sendMessageBack(queue, header),
    resend: (message) => innerSender(instance).send(message),
    logger: client.logger,
  });
  if (registration.kind === 'ORDERLY') {
    return createOrderlyConsumption(parts, registration.listener, sendBack, (message) =>
      innerSender(instance).send(message),
    );
  }
  const service = new ConsumeConcurrentlyService({
    group,
    listener: registration.listener,
    concurrency: options.concurrency,
    batchMaxSize: options.batchMaxSize,
    sendBack: (message, queue, delayLevel) => sendBack.sendBack(message, queue, delayLevel),
    problemOf: parts.problemOf,
    onSettled: parts.onSettled,
    stats: parts.stats,
    logger: client.logger,
  });
  return { service, locks: undefined };
}
