import { EventPattern } from '@nestjs/microservices';
import { ROCKETMQ_TRANSPORT } from '../tokens.js';
import { TypedTopic } from '../typed-topic/typed-topic.js';
import type { ConsumerExtras } from './consumer-options.js';
import { HANDLER_LABEL } from './handler-label.js';

interface DecoratorOptions extends ConsumerExtras {
  topic: string | TypedTopic;
  transport?: symbol;
}

/** What `@ConcurrentConsumer` and `@OrderlyConsumer` have in common: an event handler of Nest whose extras say the rest. */
export function consumerDecorator(options: DecoratorOptions): MethodDecorator {
  const { topic, group, tags, sql, transport = ROCKETMQ_TRANSPORT, ...extras } = options;
  if (topic instanceof TypedTopic) extras.schema ??= topic.schema;
  return (target, propertyKey, descriptor) => {
    const pattern: Record<string, unknown> = { topic: topic instanceof TypedTopic ? topic.name : topic };
    if (group !== undefined) pattern['group'] = group;
    if (tags !== undefined) pattern['tags'] = Array.isArray(tags) ? tags.join(' || ') : tags;
    if (sql !== undefined) pattern['sql'] = sql;
    const label = `${target.constructor.name}.${String(propertyKey)}`;
    return EventPattern(pattern, transport, { ...extras, [HANDLER_LABEL]: label })(target, propertyKey, descriptor);
  };
}
