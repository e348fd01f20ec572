import { consumerDecorator } from './consumer-decorator.js';
import type { ConcurrentConsumerOptions } from './consumer-options.js';

/**
 * Makes a controller method a concurrent consumer: it gets the messages of a topic, several at once, in no order. A message is
 * acknowledged when the method's promise or Observable has completed, and comes again when it fails.
 *
 * The method must declare at least one parameter (Nest 12 refuses others with TS1241).
 *
 * @example
 * @ConcurrentConsumer({ topic: 'orders', group: 'billing', tags: 'created' })
 * async onOrder(@Payload() order: Order, @Ctx() context: RocketMQContext) {}
 */
export function ConcurrentConsumer(options: ConcurrentConsumerOptions): MethodDecorator {
  return consumerDecorator(options);
}
