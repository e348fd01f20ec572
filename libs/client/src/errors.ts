import { RocknestError } from '@rocknest/client-core';

/** Stable codes of the errors of this package. */
export const RocketMQPluginErrorCode = {
  /** Two handlers of one group take the same message. */
  DUPLICATE_HANDLER: 'CLIENT_DUPLICATE_HANDLER',
  /** Handlers of one group ask for different things that a group has only once. */
  CONFLICTING_OPTIONS: 'CLIENT_CONFLICTING_OPTIONS',
  /** A pattern or an option is not usable. */
  INVALID_OPTION: 'CLIENT_INVALID_OPTION',
  /** A handler has no consumer group. */
  NO_GROUP: 'CLIENT_NO_GROUP',
  /** The payload can't be made into bytes. */
  SERIALIZE: 'CLIENT_SERIALIZE',
  /** The bytes of a message can't be made into a payload. */
  DESERIALIZE: 'CLIENT_DESERIALIZE',
  /** The payload does not fit the schema of its topic. */
  VALIDATION: 'CLIENT_VALIDATION',
  /** A message came for which this application has no handler. */
  NO_HANDLER: 'CLIENT_NO_HANDLER',
  /** `ClientProxy.send()`, or another thing that this transport has another door for. */
  UNSUPPORTED: 'CLIENT_UNSUPPORTED',
  /** Used after its shutdown. */
  CLOSED: 'CLIENT_CLOSED',
  /** A batch handler said more or other than its batch has. */
  BATCH_OUTCOME: 'CLIENT_BATCH_OUTCOME',
  /** A transaction was rolled back, or has no listener or database. */
  TRANSACTION: 'CLIENT_TRANSACTION',
  /** A processing hook broke its contract. */
  HOOK: 'CLIENT_HOOK',
} as const;
export type RocketMQPluginErrorCode = (typeof RocketMQPluginErrorCode)[keyof typeof RocketMQPluginErrorCode];

/** What the Nest plugin itself throws. Errors of the bus are client-core's `MQClientError`. */
export class RocketMQPluginError extends RocknestError {
  constructor(
    code: RocketMQPluginErrorCode,
    message: string,
    options: { retriable?: boolean; cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(code, message, options);
    this.name = 'RocketMQPluginError';
  }
}

/** An option that can't be used: says which, its value and what is allowed. */
export function invalidOption(message: string, details: Record<string, unknown> = {}): RocketMQPluginError {
  return new RocketMQPluginError(RocketMQPluginErrorCode.INVALID_OPTION, message, { details });
}
