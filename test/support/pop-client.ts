import {
  type BatchAck,
  decodeChangeInvisibleTimeResponse,
  decodeMessages,
  decodeMsgOffsetInfo,
  decodeNotificationResponse,
  decodeOrderCountInfo,
  decodePollingInfoResponse,
  decodePopMessageResponse,
  decodeStartOffsetInfo,
  encodeAckMessageRequest,
  encodeBatchAckMessageRequestBody,
  encodeChangeInvisibleTimeRequest,
  encodeNotificationRequest,
  encodePollingInfoRequest,
  encodePopExtraInfo,
  encodePopMessageRequest,
  MessageConst,
  type MessageExt,
  type PopMessageRequest,
  type PopMessageResponse,
  popQueueKey,
  popRetryFlagOf,
  type RemotingCommand,
  RequestCode,
} from '@rocknest/protocol';
import type { BrokerClient } from './broker-client.js';

export interface PopReply {
  readonly code: number;
  readonly remark: string | undefined;
  readonly header: PopMessageResponse;
  readonly messages: PoppedMessage[];
  readonly orderCounts: ReadonlyMap<string, number>;
}

/** A message with what its acknowledgement needs. */
export interface PoppedMessage extends MessageExt {
  /** The topic that holds it. */
  readonly storedTopic: string;
  readonly handle: string;
}

/** Pops and acknowledges as a client would, one request at a time. */
export class PopClient {
  constructor(
    readonly client: BrokerClient,
    readonly group: string,
    readonly brokerName: string,
  ) {}

  async pop(topic: string, options: Partial<PopMessageRequest> = {}): Promise<PopReply> {
    const fields = encodePopMessageRequest({
      consumerGroup: this.group,
      topic,
      queueId: -1,
      maxMsgNums: 32,
      invisibleTime: 60_000,
      pollTime: 0,
      bornTime: Date.now(),
      initMode: 0,
      expType: undefined,
      exp: undefined,
      order: false,
      attemptId: undefined,
      ...options,
    });
    return this.read(await this.client.request(RequestCode.POP_MESSAGE, fields));
  }

  /** Pops again until there is something: what is revived or freed comes at its own time. */
  async popUntil(topic: string, options: Partial<PopMessageRequest> = {}, timeoutMs = 15_000): Promise<PopReply> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const reply = await this.pop(topic, { pollTime: 1_000, ...options });
      if (reply.messages.length > 0) return reply;
      if (Date.now() > deadline) throw new Error(`nothing to pop of ${topic} for ${timeoutMs} ms`);
    }
  }

  ack(message: PoppedMessage): Promise<RemotingCommand> {
    const fields = encodeAckMessageRequest({
      consumerGroup: this.group,
      topic: message.storedTopic,
      queueId: message.queueId,
      extraInfo: message.handle,
      offset: message.queueOffset,
    });
    return this.client.request(RequestCode.ACK_MESSAGE, fields);
  }

  async ackAll(messages: readonly PoppedMessage[]): Promise<void> {
    await Promise.all(messages.map((message) => this.ack(message)));
  }

  batchAck(acks: readonly BatchAck[]): Promise<RemotingCommand> {
    const body = encodeBatchAckMessageRequestBody({ brokerName: this.brokerName, acks });
    return this.client.request(RequestCode.BATCH_ACK_MESSAGE, {}, body);
  }

  /** @returns the answer, and the message with its new handle. */
  async renew(
    message: PoppedMessage,
    invisibleTime: number,
  ): Promise<{ readonly response: RemotingCommand; readonly message: PoppedMessage }> {
    const response = await this.client.request(
      RequestCode.CHANGE_MESSAGE_INVISIBLETIME,
      encodeChangeInvisibleTimeRequest({
        consumerGroup: this.group,
        topic: message.storedTopic,
        queueId: message.queueId,
        extraInfo: message.handle,
        offset: message.queueOffset,
        invisibleTime,
      }),
    );
    const renewed = decodeChangeInvisibleTimeResponse(response);
    const handle = encodePopExtraInfo({
      ...renewed,
      ckQueueOffset: message.queueOffset,
      retry: popRetryFlagOf(message.storedTopic),
      brokerName: this.brokerName,
      queueId: message.queueId,
      queueOffset: message.queueOffset,
    });
    return { response, message: { ...message, handle } };
  }

  async notification(topic: string, pollTime = 0): Promise<{ hasMsg: boolean; pollingFull: boolean }> {
    const fields = encodeNotificationRequest({
      consumerGroup: this.group,
      topic,
      queueId: -1,
      pollTime,
      bornTime: Date.now(),
      order: false,
      attemptId: undefined,
      expType: undefined,
      exp: undefined,
    });
    return decodeNotificationResponse(await this.client.request(RequestCode.NOTIFICATION, fields));
  }

  async pollingNum(topic: string, queueId = -1): Promise<number> {
    const fields = encodePollingInfoRequest({ consumerGroup: this.group, topic, queueId });
    return decodePollingInfoResponse(await this.client.request(RequestCode.POLLING_INFO, fields)).pollingNum;
  }

  private read(response: RemotingCommand): PopReply {
    const header = decodePopMessageResponse(response);
    const starts = decodeStartOffsetInfo(header.startOffsetInfo ?? '');
    const offsets = decodeMsgOffsetInfo(header.msgOffsetInfo ?? '');
    const messages = decodeMessages(response.bodyBuffer).map((message) => {
      const given = message.properties[MessageConst.POP_CK];
      if (given !== undefined) return { ...message, handle: given, storedTopic: this.storedTopic(message, given) };
      const retry = popRetryFlagOf(message.topic);
      const key = popQueueKey(retry, message.queueId);
      if (offsets.get(key)?.includes(message.queueOffset) !== true) {
        throw new Error(`the response does not name offset ${message.queueOffset} of ${key}: ${header.msgOffsetInfo}`);
      }
      const handle = encodePopExtraInfo({
        ckQueueOffset: starts.get(key) ?? -1,
        popTime: header.popTime,
        invisibleTime: header.invisibleTime,
        reviveQid: header.reviveQid,
        retry,
        brokerName: this.brokerName,
        queueId: message.queueId,
        queueOffset: message.queueOffset,
      });
      return { ...message, handle, storedTopic: message.topic };
    });
    const orderCounts = decodeOrderCountInfo(header.orderCountInfo ?? '');
    return { code: response.code, remark: response.remark, header, messages, orderCounts };
  }

  private storedTopic(message: MessageExt, handle: string): string {
    switch (handle.split(' ')[4]) {
      case '1':
        return `%RETRY%${this.group}_${message.topic}`;
      case '2':
        return `%RETRY%${this.group}+${message.topic}`;
      default:
        return message.topic;
    }
  }
}
