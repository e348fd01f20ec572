import { consumerDecorator } from './consumer-decorator.js';
import type { OrderlyConsumerOptions } from './consumer-options.js';

/**
 * Makes a controller method an orderly consumer: of each queue it gets one message at a time, in the order in which they were sent, and the next
 * one begins when the method's promise or Observable has completed. When it fails, the queue rests (`suspendCurrentQueueTimeMillis`)
 * and the same message comes again, with nothing of its queue before it; other queues go on. All handlers of a group are orderly, or none,
 * in every application that belongs to it.
 *
 * The method must declare at least one parameter (Nest 12 refuses others with TS1241).
 *
 * @example
 * @OrderlyConsumer({ topic: 'account-events', group: 'ledger' })
 * async onEvent(@Payload() event: AccountEvent, @Ctx() context: RocketMQContext) {}
 */
export function OrderlyConsumer(options: OrderlyConsumerOptions): MethodDecorator {
  return consumerDecorator({ ...options, orderly: true });
}
