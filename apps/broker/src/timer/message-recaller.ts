import {
  decodeRecallHandle,
  encodeProperties,
  MessageConst,
  PermName,
  ProtocolError,
  type RecallHandle,
  type RecallMessageRequest,
  ResponseCode,
  tagsCodeOf,
  TIMER_TOPIC,
} from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import type { MessageStore, PutResult } from '@rocknest/store';
import { RequestRefusedError } from '../errors.js';
import type { TopicConfigManager } from '../metadata/index.js';
import { storedCode } from '../send/put-response.js';
import { RECALL_TAG } from './defaults.js';

export interface RecallOptions {
  readonly brokerName: string;
  readonly isSlave: boolean;
  /** All read at each use: they may change at run time. */
  readonly enabled: () => boolean;
  readonly maxDelaySec: () => number;
  readonly brokerPermission: () => number;
  readonly now: () => number;
}

/**
 * Recalls timer messages: a message that is due at the same time tells the timer which one not to deliver. Whether that one still waits is not looked up, as in RocketMQ.
 *
 * Follows `broker/processor/RecallMessageProcessor.java`.
 */
export class MessageRecaller {
  constructor(
    private readonly store: MessageStore,
    private readonly topics: TopicConfigManager,
    private readonly options: RecallOptions,
  ) {}

  /**
   * @returns UNIQ_KEY of the message.
   * @throws RequestRefusedError with RocketMQ's codes.
   */
  async recall(request: RecallMessageRequest, connection: Connection): Promise<string> {
    const { options } = this;
    if (!options.enabled()) throw refused(ResponseCode.NO_PERMISSION, 'recall failed, operation is forbidden');
    if (options.isSlave) throw refused(ResponseCode.SLAVE_NOT_AVAILABLE, 'recall failed, broker service not available');
    if ((options.brokerPermission() & PermName.WRITE) === 0) {
      throw refused(ResponseCode.SERVICE_NOT_AVAILABLE, 'recall failed, broker service not available');
    }
    if (this.topics.get(request.topic) === undefined) {
      throw refused(ResponseCode.TOPIC_NOT_EXIST, `recall failed, the topic[${request.topic}] not exist`);
    }
    const handle = handleOf(request.recallHandle);
    if (handle.topic !== request.topic) throw refused(ResponseCode.ILLEGAL_OPERATION, 'recall failed, topic not match');
    if (handle.brokerName !== options.brokerName) {
      throw refused(ResponseCode.ILLEGAL_OPERATION, 'recall failed, broker service not available');
    }
    const deliverMs = /^\d{1,15}$/.test(handle.timestamp) ? Number(handle.timestamp) : -1;
    const leftMs = deliverMs - options.now();
    if (leftMs <= 0 || leftMs >= options.maxDelaySec() * 1_000) {
      throw refused(ResponseCode.ILLEGAL_OPERATION, 'recall failed, timestamp invalid');
    }
    const result = await this.put(request, handle, deliverMs, connection);
    if (storedCode(result.status) !== undefined) return handle.messageId;
    throw refused(ResponseCode.SYSTEM_ERROR, `recall failed, execute error (${result.reason ?? result.status})`);
  }

  private put(
    request: RecallMessageRequest,
    handle: RecallHandle,
    deliverMs: number,
    connection: Connection,
  ): Promise<PutResult> {
    const nowMs = this.options.now();
    const properties = encodeProperties({
      [MessageConst.TAGS]: RECALL_TAG,
      [MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX]: handle.messageId,
      // Without the topic: so the Java broker writes and compares it unless appendTopicForTimerDeleteKey is set. REAL_TOPIC says whose it is.
      [MessageConst.TIMER_DEL_UNIQKEY]: handle.messageId,
      [MessageConst.TIMER_DELIVER_MS]: String(deliverMs),
      [MessageConst.TIMER_OUT_MS]: String(deliverMs - 1),
      [MessageConst.REAL_TOPIC]: handle.topic,
      [MessageConst.REAL_QUEUE_ID]: '0',
      [MessageConst.BORN_TIMESTAMP]: String(nowMs),
      ...(request.producerGroup ? { [MessageConst.PRODUCER_GROUP]: request.producerGroup } : {}),
    });
    return new Promise((resolve) => {
      this.store.putMessage(
        {
          topic: TIMER_TOPIC,
          queueId: 0,
          flag: 0,
          sysFlag: 0,
          bornTimestamp: nowMs,
          bornHost: connection.remoteHostBytes,
          reconsumeTimes: 0,
          preparedTransactionOffset: 0,
          body: Buffer.from('0'),
          properties,
          tagsCode: tagsCodeOf(RECALL_TAG),
          waitStoreOk: true,
        },
        resolve,
      );
    });
  }
}

function handleOf(text: string): RecallHandle {
  try {
    return decodeRecallHandle(text);
  } catch (error) {
    if (error instanceof ProtocolError) throw refused(ResponseCode.ILLEGAL_OPERATION, error.message);
    throw error;
  }
}

function refused(code: number, remark: string): RequestRefusedError {
  return new RequestRefusedError(code, remark);
}
