import { resolveClientOptions, type ClientOptions, type ResolvedClientOptions } from '../../options.js';
import { integerOption } from '../../support/check.js';
import { brokerIdOption } from '../lite-pull/lite-pull-options.js';
import {
  resolveMessageModel,
  withStableInstance,
  type MessageModelOptions,
  type ResolvedMessageModel,
} from '../message-model.js';
import { checkGroup } from '../push-consumer-options.js';

/** Options of a `PullConsumer` (RocketMQ: `client/consumer/DefaultMQPullConsumer.java`). */
export interface PullConsumerOptions extends ClientOptions, MessageModelOptions {
  /** Names the offsets, and the retry topic of messages that are sent back. */
  group: string;
  /** Redeliveries of messages that are sent back before the dead letter queue; -1 (default) means 16. */
  maxReconsumeTimes?: number;
  /** Pulls go to the broker of this id (0 the master, from 1 on slaves), whatever the brokers suggest (`connectBrokerByUser`). */
  pullFromBrokerId?: number;
}

export interface ResolvedPullConsumerOptions {
  client: ResolvedClientOptions;
  model: ResolvedMessageModel;
  group: string;
  maxReconsumeTimes: number;
  pullFromBrokerId: number | undefined;
}

/** @throws MQClientError INVALID_ARGUMENT or INVALID_NAMESRV_ADDR. */
export function resolvePullConsumerOptions(options: PullConsumerOptions): ResolvedPullConsumerOptions {
  checkGroup(options.group);
  const client = resolveClientOptions(withStableInstance(options));
  return {
    client,
    model: resolveMessageModel(options),
    group: client.namespace?.wrap(options.group) ?? options.group,
    maxReconsumeTimes: integerOption('maxReconsumeTimes', options.maxReconsumeTimes, -1, -1),
    pullFromBrokerId: brokerIdOption(options.pullFromBrokerId),
  };
}
