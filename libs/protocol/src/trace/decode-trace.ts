import { TRACE_FIELD_SEPARATOR, TRACE_NULL, TRACE_RECORD_SEPARATOR } from './encode-trace.js';
import {
  ConsumeReturnType,
  TraceMessageType,
  type EndTransactionTrace,
  type PubTrace,
  type SubAfterTrace,
  type TraceContext,
} from './trace-context.js';

const MESSAGE_TYPES: ReadonlySet<number> = new Set(Object.values(TraceMessageType));
const RETURN_TYPES: ReadonlySet<number> = new Set(Object.values(ConsumeReturnType));
const STATES: ReadonlySet<string> = new Set(['COMMIT_MESSAGE', 'ROLLBACK_MESSAGE', 'UNKNOW']);

/** A record that no client writes: it is left out. */
class NoRecord extends Error {}

function text(line: readonly string[], at: number): string {
  const field = line[at];
  if (field === undefined) throw new NoRecord();
  return field;
}

function optional(line: readonly string[], at: number): string | undefined {
  const field = text(line, at);
  return field === TRACE_NULL ? undefined : field;
}

function integer(line: readonly string[], at: number): number {
  const field = text(line, at);
  const value = Number(field);
  if (field === '' || !Number.isSafeInteger(value)) throw new NoRecord();
  return value;
}

function among<T>(values: ReadonlySet<unknown>, value: unknown): T {
  if (!values.has(value)) throw new NoRecord();
  return value as T;
}

const isTrue = (line: readonly string[], at: number): boolean => text(line, at).toLowerCase() === 'true';

function origin(line: readonly string[]): { timestampMs: number; regionId: string; groupName: string } {
  return { timestampMs: integer(line, 1), regionId: text(line, 2), groupName: text(line, 3) };
}

function pub(line: readonly string[]): PubTrace {
  // Clients before 4.5 leave the offset id out; some that came later add the client's address behind the outcome.
  const hasOffsetMsgId = line.length > 13;
  return {
    traceType: 'Pub',
    ...origin(line),
    topic: text(line, 4),
    msgId: text(line, 5),
    tags: optional(line, 6),
    keys: optional(line, 7),
    storeHost: optional(line, 8),
    bodyLength: integer(line, 9),
    costTimeMs: integer(line, 10),
    messageType: among(MESSAGE_TYPES, integer(line, 11)),
    offsetMsgId: hasOffsetMsgId ? optional(line, 12) : undefined,
    success: isTrue(line, hasOffsetMsgId ? 13 : 12),
  };
}

function subAfter(line: readonly string[]): SubAfterTrace {
  const hasOrigin = line.length >= 9;
  return {
    traceType: 'SubAfter',
    requestId: text(line, 1),
    messages: [{ msgId: text(line, 2), keys: optional(line, 5) }],
    costTimeMs: integer(line, 3),
    success: isTrue(line, 4),
    contextCode: line.length >= 7 ? among(RETURN_TYPES, integer(line, 6)) : ConsumeReturnType.SUCCESS,
    timestampMs: hasOrigin ? integer(line, 7) : undefined,
    groupName: hasOrigin ? text(line, 8) : undefined,
  };
}

function endTransaction(line: readonly string[]): EndTransactionTrace {
  return {
    traceType: 'EndTransaction',
    ...origin(line),
    topic: text(line, 4),
    msgId: text(line, 5),
    tags: optional(line, 6),
    keys: optional(line, 7),
    storeHost: optional(line, 8),
    messageType: among(MESSAGE_TYPES, integer(line, 9)),
    transactionId: optional(line, 10),
    transactionState: among(STATES, text(line, 11)),
    fromTransactionCheck: isTrue(line, 12),
  };
}

function contextOf(line: readonly string[]): TraceContext | undefined {
  switch (line[0]) {
    case 'Pub':
      return pub(line);
    case 'SubBefore':
      return {
        traceType: 'SubBefore',
        ...origin(line),
        requestId: text(line, 4),
        messages: [{ msgId: text(line, 5), retryTimes: integer(line, 6), keys: optional(line, 7) }],
      };
    case 'SubAfter':
      return subAfter(line);
    case 'EndTransaction':
      return endTransaction(line);
    case 'Recall':
      return {
        traceType: 'Recall',
        ...origin(line),
        topic: text(line, 4),
        msgId: text(line, 5),
        success: isTrue(line, 6),
      };
    default:
      return undefined;
  }
}

/**
 * The entries of a trace message's body (RocketMQ: `client/trace/TraceDataEncoder.java`, `decoderFromTraceDataString`), one for each record. Records of kinds that are
 * not known, or that lack fields, are left out: anybody may send to a trace topic.
 */
export function decodeTraceData(data: string): TraceContext[] {
  const contexts: TraceContext[] = [];
  for (const part of data.split(TRACE_RECORD_SEPARATOR)) {
    try {
      const context = contextOf(part.split(TRACE_FIELD_SEPARATOR));
      if (context) contexts.push(context);
    } catch (error) {
      if (!(error instanceof NoRecord)) throw error;
    }
  }
  return contexts;
}
