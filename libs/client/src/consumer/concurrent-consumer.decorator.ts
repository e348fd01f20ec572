import { EventPattern } from '@nestjs/microservices';
import { ROCKETMQ_TRANSPORT } from '../tokens.js';
import type { ConcurrentConsumerOptions } from './consumer-options.js';
import { HANDLER_LABEL } from './handler-label.js';

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
  const { topic, group, tags, transport = ROCKETMQ_TRANSPORT, ...extras } = options;
  return (target, propertyKey, descriptor) => {
    const pattern: Record<string, unknown> = { topic };
    if (group !== undefined) pattern['group'] = group;
    if (tags !== undefined) pattern['tags'] = Array.isArray(tags) ? tags.join(' || ') : tags;
    const label = `${target.constructor.name}.${String(propertyKey)}`;
    return EventPattern(pattern, transport, { ...extras, [HANDLER_LABEL]: label })(target, propertyKey, descriptor);
  };
}
