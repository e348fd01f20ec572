import type { MessageQueue, QueueTimeSpan } from '@rocknest/protocol';
import type { QueryResult } from '../query/message-lookup.js';
import type { ClientNames } from '../support/namespace.js';

/** Answers of brokers with the names that applications use. */

export function queuesOutside<T extends { readonly queue: MessageQueue }>(
  names: ClientNames,
  values: readonly T[],
): T[] {
  return values.map((value) => ({ ...value, queue: names.outside(value.queue) }));
}

export function offsetsOutside(
  names: ClientNames,
  table: readonly (readonly [MessageQueue, number])[],
): [MessageQueue, number][] {
  return table.map(([queue, offset]) => [names.outside(queue), offset]);
}

export function timeSpansOutside(names: ClientNames, spans: readonly QueueTimeSpan[]): QueueTimeSpan[] {
  return spans.map((span) => ({ ...span, messageQueue: names.outside(span.messageQueue) }));
}

export function messagesOutside(names: ClientNames, result: QueryResult): QueryResult {
  return { ...result, messages: names.outsideAll(result.messages) };
}
