import { decodeTraceData, TRACE_TOPIC, type TraceContext } from '@rocknest/protocol';
import type { MessageLookup, QueryMessageOptions } from './message-lookup.js';

/** Where and when to look for a trace. */
export interface TraceQueryOptions extends QueryMessageOptions {
  /** `customizedTraceTopic` of the clients: `RMQ_SYS_TRACE_TOPIC`. */
  traceTopic?: string;
}

/** One entry of a message's trace (RocketMQ: `client/trace/TraceView.java`). */
export interface TraceEntry {
  readonly context: TraceContext;
  /** `host:port` of the client that wrote it. */
  readonly clientHost: string;
  /** ms since 1970; of a SubAfter without a time of its own that at which the broker stored it. */
  readonly timestampMs: number;
}

function speaksOf(context: TraceContext, msgId: string): boolean {
  if ('messages' in context) return context.messages.some((message) => message.msgId === msgId);
  return context.msgId === msgId || context.msgId.split(',').includes(msgId);
}

const ORDER = { Pub: 0, EndTransaction: 1, Recall: 2, SubBefore: 3, SubAfter: 4 } as const;

/** What clients have written of a message, by time. Empty when nothing was traced, or has not arrived yet. */
export async function traceOf(
  lookup: Pick<MessageLookup, 'queryMessage'>,
  msgId: string,
  { traceTopic = TRACE_TOPIC, ...options }: TraceQueryOptions,
): Promise<TraceEntry[]> {
  const { messages } = await lookup.queryMessage(traceTopic, msgId, options);
  const entries: TraceEntry[] = [];
  for (const { body, bornHost, storeTimestamp } of messages) {
    for (const context of decodeTraceData(body?.toString() ?? '')) {
      if (!speaksOf(context, msgId)) continue;
      entries.push({ context, clientHost: bornHost, timestampMs: context.timestampMs ?? storeTimestamp });
    }
  }
  return entries.sort(
    (a, b) => a.timestampMs - b.timestampMs || ORDER[a.context.traceType] - ORDER[b.context.traceType],
  );
}
