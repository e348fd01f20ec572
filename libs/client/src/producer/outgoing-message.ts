import type { MessageInput } from '@rocknest/client-core';
import type { RocketMQRecordOptions } from '../record/rocketmq-record.js';
import type { MessageSerializer, SerializedBody } from '../serde/message-serializer.js';
import { type TypedTopic, validatePayload } from '../typed-topic/typed-topic.js';

/** A message as a user of the Nest producer gives it: the body is any payload. */
export interface OutgoingMessage<T = unknown> extends RocketMQRecordOptions {
  /** A name, or a topic of `defineTopic`, whose schema the body must fit. */
  topic: string | TypedTopic<unknown, T>;
  /** Payload: an object or other JSON value, a string, or bytes. */
  body: NoInfer<T>;
}

function merge(message: OutgoingMessage & { topic: string }, serialized: SerializedBody): MessageInput {
  const { body, properties: added } = serialized;
  const input: MessageInput = { topic: message.topic, body };
  if (message.tags !== undefined) input.tags = message.tags;
  if (message.keys !== undefined) input.keys = message.keys;
  if (message.flag !== undefined) input.flag = message.flag;
  if (message.delayTimeLevel !== undefined) input.delayTimeLevel = message.delayTimeLevel;
  if (message.delayTimeSec !== undefined) input.delayTimeSec = message.delayTimeSec;
  if (message.delayTimeMs !== undefined) input.delayTimeMs = message.delayTimeMs;
  if (message.deliverTimeMs !== undefined) input.deliverTimeMs = message.deliverTimeMs;
  if (message.waitStoreOk !== undefined) input.waitStoreOk = message.waitStoreOk;
  // What the user says about the body goes before what the serializer says.
  if (added && message.properties) input.properties = { ...added, ...message.properties };
  else if (added ?? message.properties) input.properties = added ?? message.properties;
  return input;
}

/**
 * The message with its body as bytes; a promise only when the serializer or the schema of the topic is asynchronous.
 *
 * @throws PayloadValidationError; what the serializer throws.
 */
export function toMessageInput(
  message: OutgoingMessage,
  serializer: MessageSerializer,
): MessageInput | Promise<MessageInput> {
  const { topic } = message;
  if (typeof topic === 'string') return serialize(message as OutgoingMessage & { topic: string }, serializer);
  // The body goes out as it was given: the consumer's schema makes of it what it makes.
  const named = { ...message, topic: topic.name };
  const validated = validatePayload(topic.name, topic.schema, message.body);
  if (validated instanceof Promise) return validated.then(() => serialize(named, serializer));
  return serialize(named, serializer);
}

function serialize(
  message: OutgoingMessage & { topic: string },
  serializer: MessageSerializer,
): MessageInput | Promise<MessageInput> {
  const serialized = serializer.serialize(message.body, message);
  if (serialized instanceof Promise) return serialized.then((value) => merge(message, value));
  return merge(message, serialized);
}
