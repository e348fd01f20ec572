import type { MessageExt } from '@rocknest/client-core';
import type { MessageDeserializer } from '../serde/message-deserializer.js';
import { PayloadValidationError } from './payload-validation.error.js';
import type { StandardSchema } from './standard-schema.js';
import { validatePayload } from './typed-topic.js';

/** Gives handlers what the schema makes of a payload. A body that can't be read at all does not fit it either. */
export class ValidatingDeserializer implements MessageDeserializer {
  constructor(
    private readonly inner: MessageDeserializer,
    private readonly schema: StandardSchema,
  ) {}

  deserialize(message: MessageExt): unknown {
    let payload: unknown;
    try {
      payload = this.inner.deserialize(message);
    } catch (error) {
      throw this.unreadable(message, error);
    }
    if (!(payload instanceof Promise)) return validatePayload(message.topic, this.schema, payload);
    return payload.then(
      (value) => validatePayload(message.topic, this.schema, value),
      (error: unknown) => {
        throw this.unreadable(message, error);
      },
    );
  }

  private unreadable(message: MessageExt, error: unknown): PayloadValidationError {
    const text = error instanceof Error ? error.message : String(error);
    return new PayloadValidationError(
      message.topic,
      [{ path: '', message: text }],
      this.schema['~standard'].vendor,
      error,
    );
  }
}
