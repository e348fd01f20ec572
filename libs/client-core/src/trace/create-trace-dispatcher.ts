import { AUTO_CREATE_TOPIC } from '@rocknest/protocol';
import * as defaults from '../defaults.js';
import type { ClientInstance } from '../instance/client-instance.js';
import { outgoingMessage } from '../producer/outgoing-message.js';
import { SendEngine } from '../producer/send-engine.js';
import type { SendResult } from '../producer/send-result.js';
import { TraceDispatcher } from './trace-dispatcher.js';
import type { ResolvedTraceOptions } from './trace-options.js';

/** Whose trace it is, in the producer group of the trace messages (RocketMQ: `TraceDispatcher.Type`). */
export type TraceKind = 'PRODUCE' | 'CONSUME';

/** Retries of a trace message: those of a usual send. */
const { RETRY_TIMES_WHEN_SEND_FAILED: RETRIES, TRACE_SEND_TIMEOUT_MS: TIMEOUT_MS } = defaults;
let count = 0;

/** A dispatcher whose messages go through the connections of this instance, under a group of RocketMQ's form. What it sends is not traced. */
export function createTraceDispatcher(
  instance: ClientInstance,
  { topic, batchNum, flushIntervalMs }: ResolvedTraceOptions,
  group: string,
  kind: TraceKind,
): TraceDispatcher {
  const engine = new SendEngine(instance, {
    group: `_INNER_TRACE_PRODUCER-${group}-${kind}-${++count}`,
    defaultTopic: AUTO_CREATE_TOPIC,
    defaultTopicQueueNums: defaults.DEFAULT_TOPIC_QUEUE_NUMS,
    serializeType: instance.options.serializeType,
    namespaceV2: instance.options.namespaceV2,
    maxInFlightSends: defaults.MAX_IN_FLIGHT_SENDS,
    maxPendingSends: defaults.MAX_PENDING_SENDS,
    maxPendingSendBytes: defaults.MAX_PENDING_SEND_BYTES,
    maxTimeoutPerRequestMs: 0,
    retryAnotherBrokerWhenNotStoreOk: false,
  });
  return new TraceDispatcher({
    group,
    batchNum,
    flushIntervalMs,
    logger: instance.options.logger,
    send: ({ data, keys }) =>
      new Promise<SendResult>((resolve, reject) => {
        const nowMs = Date.now();
        const message = outgoingMessage({ topic, body: data, keys }, defaults.MAX_MESSAGE_SIZE_BYTES, nowMs);
        const callback = { onSuccess: resolve, onException: reject };
        engine.send(nowMs, message, undefined, TIMEOUT_MS, RETRIES, callback);
      }),
  });
}
