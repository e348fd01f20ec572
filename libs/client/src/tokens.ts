import { PRODUCER_NAME } from './defaults.js';

/** Transport id of handlers and servers of this package: decorated handlers don't end up at the other transports of an application. */
export const ROCKETMQ_TRANSPORT: unique symbol = Symbol.for('rocknest.transport');

/** Injection token of a `RocketMQProducer`: of the named one, or of the default. */
export function getProducerToken(name: string = PRODUCER_NAME): string {
  return `RocketMQProducer:${name}`;
}

/** Injection token of a `LitePullConsumer`. */
export function getLitePullConsumerToken(name: string): string {
  return `RocketMQLitePullConsumer:${name}`;
}

/** Injection token of the `ClientProxy` over a producer of `RocketMQModule`. */
export function getClientToken(name: string = PRODUCER_NAME): string {
  return `RocketMQClient:${name}`;
}
