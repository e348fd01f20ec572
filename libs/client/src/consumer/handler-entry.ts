import { validateGroup } from '@rocknest/client-core';
import type { MessageHandler } from '@nestjs/microservices';
import { HANDLER_CONCURRENCY, MAX_BATCH_MESSAGES, MAX_HANDLER_CONCURRENCY } from '../defaults.js';
import { checkRetryPolicy, type RetryPolicy } from '../exceptions/retry-policy.js';
import { FailurePolicy } from '../exceptions/failure-policy.js';
import { invalidOption, RocketMQPluginError, RocketMQPluginErrorCode } from '../errors.js';
import { resolveDeserializer, type MessageDeserializer } from '../serde/message-deserializer.js';
import { isStandardSchema } from '../typed-topic/standard-schema.js';
import { ValidatingDeserializer } from '../typed-topic/validating-deserializer.js';
import type { ConsumerExtras } from './consumer-options.js';
import { checkSql, optionalText, parseTags, parseTopicPattern } from './topic-pattern.js';

/** A handler as Nest registered it. */
export interface HandlerRegistration {
  pattern: unknown;
  callback: MessageHandler;
  extras: Readonly<ConsumerExtras>;
}

/** A handler with everything that its pattern, its extras and the server's defaults say, checked. */
export interface HandlerEntry {
  readonly label: string;
  readonly callback: MessageHandler;
  readonly topic: string;
  readonly group: string;
  /** Undefined: all messages of the topic. */
  readonly tags: readonly string[] | undefined;
  /** The SQL92 expression that messages must match; undefined: they are chosen by tags. */
  readonly sql: string | undefined;
  readonly concurrency: number;
  readonly orderly: boolean;
  /** Undefined: one message a call. */
  readonly batchMaxMessages: number | undefined;
  readonly deserializer: MessageDeserializer;
  readonly policy: FailurePolicy;
  readonly extras: Readonly<ConsumerExtras>;
}

/** What a server gives to handlers that say nothing themselves. */
export interface HandlerDefaults {
  group: string | undefined;
  concurrency?: number;
  deserializer: MessageDeserializer;
  /** Policies for all handlers, the nearer ones first, checked. */
  retry?: readonly RetryPolicy[];
}

function integerIn(name: string, value: unknown, min: number, max: number): number {
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
    throw invalidOption(`${name} is ${String(value)}, must be an integer from ${min} to ${max}`);
  }
  return value as number;
}

function booleanOf(name: string, value: unknown): boolean {
  if (value !== undefined && typeof value !== 'boolean')
    throw invalidOption(`${name} is of type ${typeof value}, must be true or false`);
  return value ?? false;
}

function noGroup(topic: string): RocketMQPluginError {
  return new RocketMQPluginError(
    RocketMQPluginErrorCode.NO_GROUP,
    `the handler of topic "${topic}" has no consumer group: give it one (@ConcurrentConsumer({ topic, group }), @EventPattern(topic, { group })) ` +
      'or give the server a default (new RocketMQServer({ group }))',
    { details: { topic } },
  );
}

function deserializerOf(extras: Readonly<ConsumerExtras>, defaults: HandlerDefaults): MessageDeserializer {
  const { deserializer, schema } = extras;
  const reader = deserializer === undefined ? defaults.deserializer : resolveDeserializer(deserializer);
  if (schema === undefined) return reader;
  if (!isStandardSchema(schema)) throw invalidOption('schema is no Standard Schema (version 1): it has no "~standard"');
  return new ValidatingDeserializer(reader, schema);
}

/**
 * Resolves one handler.
 *
 * @throws the first error in its pattern or options, with the handler's name before it.
 */
export function resolveHandler(
  registration: HandlerRegistration,
  label: string,
  defaults: HandlerDefaults,
): HandlerEntry {
  const { extras } = registration;
  try {
    const pattern = parseTopicPattern(registration.pattern);
    const group = pattern.group ?? extras.group ?? defaults.group;
    if (group === undefined) throw noGroup(pattern.topic);
    const problem = validateGroup(group);
    if (problem !== undefined) throw invalidOption(problem);
    const sql = pattern.sql ?? optionalText('sql', extras.sql);
    if (sql !== undefined) checkSql(pattern.topic, sql, pattern.tags ?? extras.tags);
    return {
      label,
      callback: registration.callback,
      topic: pattern.topic,
      group,
      tags: pattern.tags ?? parseTags(extras.tags),
      sql,
      concurrency: integerIn(
        'concurrency',
        extras.concurrency ?? defaults.concurrency ?? HANDLER_CONCURRENCY,
        1,
        MAX_HANDLER_CONCURRENCY,
      ),
      orderly: booleanOf('orderly', extras.orderly),
      batchMaxMessages:
        extras.batch === undefined
          ? undefined
          : integerIn('batch.maxMessages', extras.batch.maxMessages, 1, MAX_BATCH_MESSAGES),
      deserializer: deserializerOf(extras, defaults),
      policy: new FailurePolicy([
        ...(extras.retry === undefined ? [] : [checkRetryPolicy(extras.retry)]),
        ...(defaults.retry ?? []),
      ]),
      extras,
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = error instanceof RocketMQPluginError ? error.code : RocketMQPluginErrorCode.INVALID_OPTION;
    throw new RocketMQPluginError(code as RocketMQPluginErrorCode, `${label}: ${error.message}`, { cause: error });
  }
}
