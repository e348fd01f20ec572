import { encodeTraceContext, traceKeys, type TraceContext } from '@rocknest/protocol';
import { TRACE_KEYS_MAX_BYTES, TRACE_MESSAGE_MAX_CHARACTERS } from '../defaults.js';

/** What one trace message carries. */
export interface TraceMessage {
  readonly data: string;
  /** Ids and keys of the messages it speaks of, so that it is found by each of them. */
  readonly keys: readonly string[];
  readonly entries: number;
}

/** The topic that the entries are kept together by; undefined where an entry does not say it. */
function topicOf(context: TraceContext): string | undefined {
  return 'messages' in context ? context.messages[0]?.topic : context.topic;
}

/** RocketMQ's keys, and for a batch, whose ids stand together, each of them: its messages are found by their own ids. */
function keysOf(context: TraceContext): string[] {
  const keys = traceKeys(context);
  if (context.traceType === 'Pub' && context.msgId.includes(',')) {
    keys.delete(context.msgId);
    for (const id of context.msgId.split(',')) keys.add(id);
  }
  return [...keys];
}

/**
 * Puts entries into as few messages as the limits allow: one for each topic that they speak of, more when records or keys grow too large
 * (RocketMQ: `sendTraceData` and `flushData` of `client/trace/AsyncTraceDispatcher.java`). Keys of a single entry beyond the limit are left out.
 */
export function traceMessages(contexts: readonly TraceContext[]): TraceMessage[] {
  const messages: TraceMessage[] = [];
  const byTopic = new Map<string | undefined, TraceContext[]>();
  for (const context of contexts) {
    const topic = topicOf(context);
    const group = byTopic.get(topic);
    if (group) group.push(context);
    else byTopic.set(topic, [context]);
  }
  for (const group of byTopic.values()) {
    let data = '';
    let keys = new Set<string>();
    let keyBytes = 0;
    let entries = 0;
    const end = (): void => {
      if (data !== '') messages.push({ data, keys: [...keys], entries });
      [data, keys, keyBytes, entries] = ['', new Set(), 0, 0];
    };
    for (const context of group) {
      const own = keysOf(context);
      const ownBytes = own.reduce((sum, key) => sum + Buffer.byteLength(key) + 1, 0);
      if (keyBytes > 0 && keyBytes + ownBytes > TRACE_KEYS_MAX_BYTES) end();
      data += encodeTraceContext(context);
      entries++;
      for (const key of own) {
        const bytes = Buffer.byteLength(key) + 1;
        if (keys.has(key) || keyBytes + bytes > TRACE_KEYS_MAX_BYTES) continue;
        keys.add(key);
        keyBytes += bytes;
      }
      if (data.length >= TRACE_MESSAGE_MAX_CHARACTERS) end();
    }
    end();
  }
  return messages;
}
