import { TRACE_TOPIC, validateTopic } from '@rocknest/protocol';
import { TRACE_FLUSH_INTERVAL_MS, TRACE_MSG_BATCH_NUM } from '../defaults.js';
import { integerOption, invalidArgument } from '../support/check.js';

/** Message trace by RocketMQ's names (`client/ClientConfig.java`: `enableTrace`, `traceTopic`, `traceMsgBatchNum`). */
export interface TraceOptions {
  /** Record what becomes of each message in a trace topic: false. For producers, push consumers and lite pull consumers. */
  enableMsgTrace?: boolean;
  /** The topic of the records: `RMQ_SYS_TRACE_TOPIC`, which brokers have with `traceTopicEnable=true`. */
  customizedTraceTopic?: string;
  /** Entries for one trace message, 1 to 20: 10. */
  traceMsgBatchNum?: number;
  /** ms after which fewer entries than that are sent: 5,000. */
  traceFlushIntervalMs?: number;
}

export interface ResolvedTraceOptions {
  topic: string;
  batchNum: number;
  flushIntervalMs: number;
}

/** Undefined when nothing is traced. @throws MQClientError INVALID_ARGUMENT. */
export function resolveTraceOptions(options: TraceOptions): ResolvedTraceOptions | undefined {
  const { enableMsgTrace = false, customizedTraceTopic = TRACE_TOPIC } = options;
  if (typeof enableMsgTrace !== 'boolean') {
    throw invalidArgument(`option enableMsgTrace is ${String(enableMsgTrace)}, must be true or false`);
  }
  const problem = validateTopic(customizedTraceTopic);
  if (problem !== undefined) throw invalidArgument(`option customizedTraceTopic: ${problem}`);
  const resolved = {
    topic: customizedTraceTopic,
    batchNum: integerOption('traceMsgBatchNum', options.traceMsgBatchNum, TRACE_MSG_BATCH_NUM, 1, 20),
    flushIntervalMs: integerOption(
      'traceFlushIntervalMs',
      options.traceFlushIntervalMs,
      TRACE_FLUSH_INTERVAL_MS,
      10,
      3_600_000,
    ),
  };
  return enableMsgTrace ? resolved : undefined;
}
