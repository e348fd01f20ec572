import type { MessageExt } from '@rocknest/protocol';
import type { ClientInstance } from '../instance/client-instance.js';
import { innerSender } from '../producer/inner-sender.js';
import { ConsumeConcurrentlyService } from './consume-concurrently-service.js';
import type { ConsumeMessageService, HeldQueue } from './consume-message-service.js';
import type { ConsumeStats } from './consume-stats.js';
import type { ListenerRegistration } from './consume-types.js';
import type { ConsumerApi } from './consumer-api.js';
import { broadcastFailed } from './message-model.js';
import { createOrderlyConsumption, type OrderlyHooks } from './orderly-consumption.js';
import { ExpiredMessages } from './expired-messages.js';
import { PopConsumption } from './pop/pop-consumption.js';
import type { PopAnswer } from './pop/pop-api.js';
import type { ResolvedPushConsumerOptions } from './push-consumer-options.js';
import type { QueueLocks } from './queue-locks.js';
import type { AssignedQueue } from './rebalance.js';
import { SendBack } from './send-back.js';
import type { Subscriptions } from './subscriptions.js';

/** What a consumer consumes with, by the kind of its listener. */
export interface Consumption {
  readonly service: ConsumeMessageService;
  /** Undefined where queues are not locked. */
  readonly locks: QueueLocks | undefined;
  /** Gives back what handlers don't end; undefined where messages are in order, or popped. */
  readonly expired?: ExpiredMessages | undefined;
  /** What pops, with `mode: 'pop'`. */
  readonly pop?: PopConsumption | undefined;
}

export interface ConsumptionParts {
  options: ResolvedPushConsumerOptions;
  registration: ListenerRegistration;
  instance: ClientInstance;
  api: ConsumerApi;
  stats: ConsumeStats;
  subscriptions: Pick<Subscriptions, 'of'>;
  /** Called with what a pop brought before it is handed out. */
  onPopped(topic: string, answer: PopAnswer, tookMs: number): void;
  /** The group pulls a topic, so its pop retry topic is to be pulled too, or no more. */
  pullsInsteadOfPops(topic: string, pulls: boolean): void;
  /** Why a message can't be given to a listener at all, or undefined. */
  problemOf(message: MessageExt): Error | undefined;
  /** Messages of a live queue were settled; `offset` may be committed. */
  onSettled(processQueue: HeldQueue, offset: number): void;
  /** The queues that are pulled now. */
  queues(): Iterable<AssignedQueue>;
  orderly: OrderlyHooks;
}

/** The only place that knows which kinds of consumption there are. */
export function createConsumption(parts: ConsumptionParts): Consumption {
  const { options, registration, instance, api } = parts;
  const { group, client } = options;
  const broadcasts = options.model.messageModel === 'BROADCASTING';
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
  const pop =
    options.pop &&
    new PopConsumption({
      group,
      options: options.pop,
      strategyName: options.strategy.name,
      maxReconsumeTimes: options.maxReconsumeTimes,
      instance,
      subscriptionOf: (topic) => parts.subscriptions.of(topic),
      onPopped: (topic, answer, tookMs) => parts.onPopped(topic, answer, tookMs),
      sendToDlq: (message, queue) => sendBack.sendBack(message, queue, -1),
      pullsInsteadOfPops: (topic, pulls) => parts.pullsInsteadOfPops(topic, pulls),
    });
  const service = new ConsumeConcurrentlyService({
    group,
    listener: registration.listener,
    concurrency: options.concurrency,
    batchMaxSize: options.batchMaxSize,
    sendBack: (message, queue, delayLevel) => {
      if (broadcasts) return broadcastFailed(options, message, delayLevel);
      return pop?.settlement.owns(message)
        ? pop.settlement.giveBack(message, queue, delayLevel)
        : sendBack.sendBack(message, queue, delayLevel);
    },
    annotate: (message, properties) => sendBack.annotate(message, properties),
    problemOf: (message) => parts.problemOf(message) ?? pop?.settlement.problemOf(message),
    onSettled: parts.onSettled,
    stats: parts.stats,
    logger: client.logger,
  });
  pop?.connect(service);
  const expired = new ExpiredMessages({
    group,
    consumeTimeoutMs: options.consumeTimeoutMs,
    queues: function* () {
      for (const { processQueue } of parts.queues()) yield processQueue;
    },
    sendBack: (message, queue, delayLevel) =>
      broadcasts ? broadcastFailed(options, message, -1) : sendBack.sendBack(message, queue, delayLevel),
    onSettled: parts.onSettled,
    stats: parts.stats,
    logger: client.logger,
  });
  return { service, locks: undefined, expired, pop };
}
