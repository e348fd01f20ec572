import { validateTopic } from '@rocknest/client-core';
import { invalidOption } from '../errors.js';
import { PayloadValidationError } from './payload-validation.error.js';
import { isStandardSchema, type StandardSchema } from './standard-schema.js';

/** A topic whose payloads fit a schema. `defineTopic` makes it. */
export class TypedTopic<Output = unknown, Input = Output> {
  constructor(
    readonly name: string,
    readonly schema: StandardSchema<Input, Output>,
  ) {
    const problem = validateTopic(name);
    if (problem !== undefined) throw invalidOption(problem);
    if (!isStandardSchema(schema)) {
      throw invalidOption(
        `the schema of topic "${name}" is no Standard Schema (version 1): give it a schema of Zod, Valibot, ArkType or another library that has "~standard"`,
      );
    }
  }
}

/**
 * Defines a topic whose payloads are checked on both sides: what does not fit is an error at the producer and a dead letter, with the reason,
 * at the consumer.
 *
 * @example
 * export const Orders = defineTopic<Order>('orders', z.object({ id: z.number(), amount: z.number().positive() }));
 * await producer.send({ topic: Orders, body: order });
 * @ConcurrentConsumer({ topic: Orders, group: 'billing' })
 * @throws RocketMQPluginError INVALID_OPTION for a name that is no topic, or a schema that is none.
 */
export function defineTopic<Output, Input = Output>(
  name: string,
  schema: StandardSchema<Input, Output>,
): TypedTopic<Output, Input> {
  return new TypedTopic(name, schema);
}

/**
 * What a schema makes of a value; a promise only when the schema is asynchronous.
 *
 * @throws PayloadValidationError.
 */
export function validatePayload(topic: string, schema: StandardSchema, value: unknown): unknown {
  const { validate, vendor } = schema['~standard'];
  const result = validate(value);
  if (result instanceof Promise) {
    return result.then((settled) => {
      if (settled.issues !== undefined) throw PayloadValidationError.of(topic, settled.issues, vendor);
      return settled.value;
    });
  }
  if (result.issues !== undefined) throw PayloadValidationError.of(topic, result.issues, vendor);
  return result.value;
}
