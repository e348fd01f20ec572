import {
  decodeProperties,
  decodeRecallHandle,
  MessageConst,
  TraceMessageType,
  withoutAnyNamespace,
  type RemotingCommand,
} from '@rocknest/protocol';
import { DEFAULT_TRACE_REGION_ID } from '../defaults.js';
import { MQBrokerError } from '../errors.js';
import type { SendResult } from '../producer/send-result.js';
import type { SendTask } from '../producer/send-task.js';
import type { EndedTransaction } from '../producer/transaction-types.js';
import type { TraceSink } from './trace-dispatcher.js';

/** Set by clients that name the time themselves; RocketMQ's hook takes it and the level as signs of a delayed message. */
const START_DELIVER_TIME = '__STARTDELIVERTIME';
const DELAYS = [
  START_DELIVER_TIME,
  MessageConst.DELAY_TIME_LEVEL,
  MessageConst.TIMER_DELIVER_MS,
  MessageConst.TIMER_DELAY_MS,
  MessageConst.TIMER_DELAY_SEC,
];

function messageTypeOf(properties: Readonly<Record<string, string>>): TraceMessageType {
  if (DELAYS.some((name) => properties[name] !== undefined)) return TraceMessageType.DELAY;
  const half = properties[MessageConst.TRANSACTION_PREPARED] === 'true';
  return half ? TraceMessageType.TRANSACTION_HALF : TraceMessageType.NORMAL;
}

/**
 * What a producer writes into the trace: its sends that a broker answered well, the ends of its transactions, and its recalls (RocketMQ: `client/trace/hook/SendMessageTraceHookImpl.java`,
 * `EndTransactionTraceHookImpl.java`, `DefaultRecallMessageTraceHook.java`). Nothing when the broker says TRACE_ON=false. As in RocketMQ's, names are
 * without their namespace.
 */
export class SendTrace {
  private readonly group: string;

  constructor(
    private readonly sink: TraceSink,
    group: string,
    private readonly traceTopic: string,
  ) {
    this.group = withoutAnyNamespace(group);
  }

  sent(task: SendTask, result: SendResult, response: RemotingCommand): void {
    const { message } = task;
    const { regionId } = result;
    if (message.topic.startsWith(this.traceTopic)) return;
    if (regionId === undefined || response.field(MessageConst.TRACE_SWITCH) === 'false') return;
    const properties = decodeProperties(message.properties);
    this.sink.append({
      traceType: 'Pub',
      timestampMs: task.bornMs,
      regionId,
      groupName: this.group,
      topic: withoutAnyNamespace(message.topic),
      msgId: result.msgId,
      tags: properties[MessageConst.TAGS],
      keys: properties[MessageConst.KEYS],
      storeHost: task.address,
      bodyLength: message.bodyBytes,
      costTimeMs: Math.max(0, Date.now() - task.bornMs),
      messageType: messageTypeOf(properties),
      offsetMsgId: result.offsetMsgId,
      success: result.status === 'SEND_OK',
    });
  }

  transactionEnded({ state, regionId, topic, ...ended }: EndedTransaction): void {
    this.sink.append({
      traceType: 'EndTransaction',
      timestampMs: Date.now(),
      regionId: regionId ?? DEFAULT_TRACE_REGION_ID,
      groupName: this.group,
      ...ended,
      topic: withoutAnyNamespace(topic),
      messageType: TraceMessageType.TRANSACTION_COMMIT,
      transactionState: state === 'UNKNOWN' ? 'UNKNOW' : state,
    });
  }

  /** Writes how a recall ended, unless no broker answered; ends as the recall does. */
  async recalled(topic: string, recallHandle: string, recall: Promise<string>): Promise<string> {
    try {
      const msgId = await recall;
      this.appendRecall(topic, msgId, true);
      return msgId;
    } catch (error) {
      if (error instanceof MQBrokerError) {
        this.appendRecall(topic, decodeRecallHandle(recallHandle).messageId, false);
      }
      throw error;
    }
  }

  private appendRecall(topic: string, msgId: string, success: boolean): void {
    this.sink.append({
      traceType: 'Recall',
      timestampMs: Date.now(),
      regionId: DEFAULT_TRACE_REGION_ID,
      groupName: this.group,
      topic: withoutAnyNamespace(topic),
      msgId,
      success,
    });
  }
}
