import { KEY_SEPARATOR } from '../message/message-const.js';
import type { TraceContext } from './trace-context.js';

/** Between two fields of a record, and at its end (RocketMQ: `client/trace/TraceConstants.java`). */
export const TRACE_FIELD_SEPARATOR = '\u0001';
export const TRACE_RECORD_SEPARATOR = '\u0002';
/** How a text that is missing is written. */
export const TRACE_NULL = 'null';

type Field = string | number | boolean | undefined;

/** Neither separator can be in a field: what has one (a group or a tag of another client) loses it. */
function textOf(field: Field): string {
  if (field === undefined) return TRACE_NULL;
  if (typeof field !== 'string') return String(field);
  return field.replaceAll(TRACE_FIELD_SEPARATOR, '').replaceAll(TRACE_RECORD_SEPARATOR, '');
}

function record(...fields: Field[]): string {
  return fields.map(textOf).join(TRACE_FIELD_SEPARATOR) + TRACE_RECORD_SEPARATOR;
}

/**
 * The records of an entry, for the body of a trace message (RocketMQ: `client/trace/TraceDataEncoder.java`). A SubAfter without a time is written as for the
 * access channel CLOUD.
 */
export function encodeTraceContext(context: TraceContext): string {
  switch (context.traceType) {
    case 'Pub':
      return record(
        context.traceType,
        context.timestampMs,
        context.regionId,
        context.groupName,
        context.topic,
        context.msgId,
        context.tags,
        context.keys,
        context.storeHost,
        context.bodyLength,
        context.costTimeMs,
        context.messageType,
        context.offsetMsgId,
        context.success,
      );
    case 'SubBefore': {
      const { traceType, timestampMs, regionId, groupName, requestId } = context;
      return context.messages
        .map(({ msgId, retryTimes, keys }) =>
          record(traceType, timestampMs, regionId, groupName, requestId, msgId, retryTimes ?? 0, keys),
        )
        .join('');
    }
    case 'SubAfter': {
      const { traceType, requestId, costTimeMs, success, contextCode, timestampMs, groupName } = context;
      const origin: Field[] = timestampMs === undefined ? [''] : [timestampMs, groupName];
      return context.messages
        .map(({ msgId, keys }) =>
          record(traceType, requestId, msgId, costTimeMs, success, keys, contextCode, ...origin),
        )
        .join('');
    }
    case 'EndTransaction':
      return record(
        context.traceType,
        context.timestampMs,
        context.regionId,
        context.groupName,
        context.topic,
        context.msgId,
        context.tags,
        context.keys,
        context.storeHost,
        context.messageType,
        context.transactionId,
        context.transactionState,
        context.fromTransactionCheck,
      );
    case 'Recall':
      return record(
        context.traceType,
        context.timestampMs,
        context.regionId,
        context.groupName,
        context.topic,
        context.msgId,
        context.success,
      );
  }
}

/** The KEYS of the message that carries an entry: the ids and keys of the messages that it speaks of. */
export function traceKeys(context: TraceContext): Set<string> {
  const keys = new Set<string>();
  const add = (msgId: string, ownKeys?: string): void => {
    keys.add(msgId);
    for (const key of ownKeys?.split(KEY_SEPARATOR) ?? []) if (key !== '') keys.add(key);
  };
  if ('messages' in context) for (const { msgId, keys: own } of context.messages) add(msgId, own);
  else add(context.msgId, 'keys' in context ? context.keys : undefined);
  return keys;
}
