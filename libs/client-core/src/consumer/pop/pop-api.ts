import {
  decodeChangeInvisibleTimeResponse,
  decodePopMessageResponse,
  encodeAckMessageRequest,
  encodeBatchAckMessageRequestBody,
  encodeChangeInvisibleTimeRequest,
  encodePopExtraInfo,
  encodePopMessageRequest,
  MASTER_ID,
  popRealTopicOf,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type BatchAck,
  type HeaderFields,
  type MessageQueue,
  type PopExtraInfo,
  type SubscriptionData,
} from '@rocknest/protocol';
import { POP_TIMEOUT_MARGIN_MS } from '../../defaults.js';
import { errorText, MQBrokerError, MQClientError, MQClientErrorCode } from '../../errors.js';
import { call, transportError } from '../../instance/call.js';
import type { ClientInstance } from '../../instance/client-instance.js';
import { decodePoppedMessages, type PoppedMessages } from './popped-messages.js';
import type { PopReceipt } from './pop-lease.js';

/** What this part needs of a client instance. */
export type PopApiInstance = Pick<ClientInstance, 'transport' | 'brokers' | 'routes' | 'options'>;

export interface PopRequest {
  group: string;
  /** Queue id -1: any queue of that broker. */
  queue: MessageQueue;
  subscription: SubscriptionData;
  maxMessages: number;
  invisibleTimeMs: number;
  /** How long the broker may hold the request; 0 answers at once. */
  pollTimeMs: number;
  /** Where a group without progress begins: `PopInitMode`. */
  initMode: number;
  order: boolean;
  attemptId: string | undefined;
}

export interface PopAnswer extends PoppedMessages {
  status: 'FOUND' | 'NO_NEW_MSG' | 'POLLING_FULL';
  /** Messages that are left in the queues that were looked at. */
  restNum: number;
}

const STATUS: ReadonlyMap<number, PopAnswer['status']> = new Map([
  [ResponseCode.SUCCESS, 'FOUND'],
  [ResponseCode.PULL_NOT_FOUND, 'NO_NEW_MSG'],
  [ResponseCode.POLLING_TIMEOUT, 'NO_NEW_MSG'],
  [ResponseCode.POLLING_FULL, 'POLLING_FULL'],
]);

/** Pops and what becomes of popped messages, always at masters (RocketMQ: `MQClientAPIImpl.java`, `PullAPIWrapper.popAsync`). */
export class PopApi {
  constructor(private readonly instance: PopApiInstance) {}

  /** One pop. The callback is called once, never inside of the call. */
  pop(request: PopRequest, callback: (error: Error | undefined, answer: PopAnswer | undefined) => void): void {
    const { queue } = request;
    const address = this.instance.brokers.find(queue.brokerName, MASTER_ID, true)?.address;
    if (address === undefined) {
      this.addressOf(queue.brokerName, queue.topic).then(
        () => this.pop(request, callback),
        (error: unknown) => callback(error as Error, undefined),
      );
      return;
    }
    const command = RemotingCommand.request(
      RequestCode.POP_MESSAGE,
      encodePopMessageRequest({
        consumerGroup: request.group,
        topic: queue.topic,
        queueId: queue.queueId,
        maxMsgNums: request.maxMessages,
        invisibleTime: request.invisibleTimeMs,
        pollTime: request.pollTimeMs,
        bornTime: Date.now(),
        initMode: request.initMode,
        expType: request.subscription.expressionType,
        exp: request.subscription.subString,
        order: request.order,
        attemptId: request.attemptId,
      }),
    );
    const what = `pop of ${queue.topic} ${queue.brokerName} ${queue.queueId}`;
    const timeoutMs = request.pollTimeMs + POP_TIMEOUT_MARGIN_MS;
    this.instance.transport.invokeCallback(address, command, timeoutMs, (error, response) => {
      let answer: PopAnswer | undefined;
      let problem: Error | undefined;
      try {
        if (!response) throw transportError(what, address, error);
        answer = answerOf(request, response, what, address);
      } catch (thrown) {
        problem = thrown instanceof MQClientError ? thrown : badResponse(what, thrown);
      }
      callback(problem, answer);
    });
  }

  async ack(group: string, receipt: PopReceipt): Promise<void> {
    const fields = encodeAckMessageRequest({ ...placeOf(group, receipt) });
    await this.ask(receipt, RequestCode.ACK_MESSAGE, fields, 'ack');
  }

  /** Acknowledges messages of one broker with one request, 5.1 brokers and later. */
  async ackBatch(group: string, brokerName: string, receipts: readonly PopReceipt[]): Promise<void> {
    const address = await this.addressOf(brokerName, receipts[0].topic);
    const body = encodeBatchAckMessageRequestBody({ brokerName, acks: batchAcksOf(group, receipts) });
    const command = RemotingCommand.request(RequestCode.BATCH_ACK_MESSAGE, {}, body);
    const what = `ack of ${receipts.length} messages of group ${group}`;
    await call(this.instance.transport, address, command, this.instance.options.mqClientApiTimeoutMs, what);
  }

  /** Makes a message invisible for `invisibleTimeMs` from now on. @returns its new receipt; the old one is worthless. */
  async changeInvisibleTime(group: string, receipt: PopReceipt, invisibleTimeMs: number): Promise<PopReceipt> {
    const fields = encodeChangeInvisibleTimeRequest({ ...placeOf(group, receipt), invisibleTime: invisibleTimeMs });
    const response = await this.ask(
      receipt,
      RequestCode.CHANGE_MESSAGE_INVISIBLETIME,
      fields,
      'change of the invisible time',
    );
    const { popTime, invisibleTime, reviveQid } = decodeChangeInvisibleTimeResponse(response);
    // Brokers leave the fields out for an ordered message that the group is past already.
    if (popTime === 0) return receipt;
    const { topic, queueOffset } = receipt;
    const info: PopExtraInfo = {
      ...receipt.info,
      ckQueueOffset: queueOffset,
      popTime,
      invisibleTime,
      reviveQid,
      queueOffset,
    };
    return { topic, extraInfo: encodePopExtraInfo(info), info, queueOffset };
  }

  private async ask(receipt: PopReceipt, code: number, fields: HeaderFields, what: string): Promise<RemotingCommand> {
    const address = await this.addressOf(receipt.info.brokerName, receipt.topic);
    const subject = `${what} of ${receipt.topic} ${receipt.info.brokerName} ${receipt.info.queueId} offset ${receipt.queueOffset}`;
    const command = RemotingCommand.request(code, fields);
    return call(this.instance.transport, address, command, this.instance.options.mqClientApiTimeoutMs, subject);
  }

  /** Address of a master; the route is looked up again when it is not known. @throws MQClientError BROKER_NOT_FOUND. */
  private async addressOf(brokerName: string, topic: string): Promise<string> {
    const { brokers, routes } = this.instance;
    const known = brokers.find(brokerName, MASTER_ID, true);
    if (known) return known.address;
    await routes.refresh(topic).catch(() => {});
    const found = brokers.find(brokerName, MASTER_ID, true);
    if (found) return found.address;
    throw new MQClientError(
      MQClientErrorCode.BROKER_NOT_FOUND,
      `no master of broker ${brokerName} is known for topic ${topic}; messages are popped from masters only`,
      { retriable: true, details: { brokerName, topic } },
    );
  }
}

const KNOWS_NO_POP =
  '; it is older than RocketMQ 5.0 and knows no POP: use PushConsumer, which pulls from it, also with mode: pop, or LitePullConsumer';

function answerOf(request: PopRequest, response: RemotingCommand, what: string, address: string): PopAnswer {
  const status = STATUS.get(response.code);
  if (status === undefined) {
    const isOld = response.code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED;
    throw new MQBrokerError(what, address, response.code, response.remark, {
      retriable: !isOld,
      ...(isOld && { note: KNOWS_NO_POP }),
    });
  }
  if (status !== 'FOUND') return { status, restNum: 0, leases: [], filtered: [], unreadable: undefined };
  const header = decodePopMessageResponse(response);
  const popped = decodePoppedMessages(response.bodyBuffer, header, {
    topic: request.queue.topic,
    subscription: request.subscription,
    brokerName: request.queue.brokerName,
    nowMs: Date.now(),
  });
  return { status, restNum: header.restNum, ...popped };
}

function placeOf(
  group: string,
  { topic, extraInfo, info, queueOffset }: PopReceipt,
): { consumerGroup: string; topic: string; queueId: number; extraInfo: string; offset: number } {
  return {
    consumerGroup: group,
    topic: popRealTopicOf(topic, group, info.retry),
    queueId: info.queueId,
    extraInfo,
    offset: queueOffset,
  };
}

type BatchAckEntry = BatchAck & { bitSet: number[] };

/** One entry for each check point, the messages as distances from its first offset. */
function batchAcksOf(group: string, receipts: readonly PopReceipt[]): BatchAck[] {
  const entries = new Map<string, BatchAckEntry>();
  // Messages of one check point mostly share their info, and stand one after the other.
  let lastInfo: PopExtraInfo | undefined;
  let last: BatchAckEntry | undefined;
  for (const { topic, info, queueOffset } of receipts) {
    if (last !== undefined && info === lastInfo && last.topic === topic) {
      last.bitSet.push(queueOffset - info.ckQueueOffset);
      continue;
    }
    const { retry, ckQueueOffset, queueId, reviveQid, popTime, invisibleTime } = info;
    const key = `${topic} ${retry} ${queueId} ${ckQueueOffset} ${popTime} ${invisibleTime} ${reviveQid}`;
    let entry = entries.get(key);
    if (!entry) {
      entry = {
        consumerGroup: group,
        topic,
        retry,
        startOffset: ckQueueOffset,
        queueId,
        reviveQueueId: reviveQid,
        popTime,
        invisibleTime,
        bitSet: [],
      };
      entries.set(key, entry);
    }
    entry.bitSet.push(queueOffset - ckQueueOffset);
    lastInfo = info;
    last = entry;
  }
  return [...entries.values()];
}

function badResponse(what: string, cause: unknown): MQClientError {
  return new MQClientError(MQClientErrorCode.BAD_RESPONSE, `${what}: the answer can't be read: ${errorText(cause)}`, {
    cause,
  });
}
