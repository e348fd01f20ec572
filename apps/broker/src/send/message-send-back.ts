import {
  type ConsumerSendMsgBackRequest,
  decodeMessage,
  encodeHost,
  getTags,
  isWriteable,
  MessageConst,
  type MessageExt,
  MqVersion,
  ResponseCode,
  type SubscriptionGroupConfig,
  tagsCodeOf,
} from '@rocknest/protocol';
import type { MessageStore, PutMessage, PutResult } from '@rocknest/store';
import { FIRST_RETRY_DELAY_LEVEL } from '../defaults.js';
import { RequestRefusedError } from '../errors.js';
import type { GroupDirectory } from '../topics/group-directory.js';
import type { TopicAutoCreator } from '../topics/topic-auto-creator.js';
import type { MessageRules } from './message-rules.js';
import { encodeReceivedProperties } from './property-completer.js';

export interface MessageSendBackOptions {
  /** The broker's own permission (`brokerPermission`), bits of PermName. Read at each use: it may change at run time. */
  readonly brokerPermission: () => number;
  /** Stands in remarks: the address that RocketMQ prints there (`brokerIP1`). */
  readonly brokerIp: string;
}

/** A queue that a message is stored in. */
interface Place {
  readonly topic: string;
  readonly queueId: number;
}

/**
 * Takes a message back that a consumer could not handle: a copy of the stored message goes to `%RETRY%group` with a delay that grows
 * with each time, or to `%DLQ%group` when it came often enough.
 *
 * Follows `consumerSendMsgBack` of `broker/processor/AbstractSendMessageProcessor.java`.
 */
export class MessageSendBack {
  constructor(
    private readonly store: MessageStore,
    private readonly groups: GroupDirectory,
    private readonly creator: TopicAutoCreator,
    private readonly rules: MessageRules,
    private readonly options: MessageSendBackOptions,
  ) {}

  /** @throws RequestRefusedError with the code and remark that the consumer gets when the message was not taken. */
  async take(header: ConsumerSendMsgBackRequest, clientVersion: number): Promise<void> {
    const group = await this.groups.find(header.group);
    if (group === undefined) {
      throw new RequestRefusedError(
        ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
        `subscription group not exist, ${header.group}: create it, or set autoCreateSubscriptionGroup`,
      );
    }
    if (!isWriteable(this.options.brokerPermission())) {
      throw new RequestRefusedError(
        ResponseCode.NO_PERMISSION,
        `the broker[${this.options.brokerIp}] sending message is forbidden`,
      );
    }
    // A group without retry queues does not want failed messages again.
    if (group.retryQueueNums <= 0) return;
    const message = await this.load(header);
    const asked = clientVersion >= MqVersion.V3_4_9 ? header.maxReconsumeTimes : undefined;
    const isDead = header.delayLevel < 0 || message.reconsumeTimes >= (asked ?? group.retryMaxTimes);
    const properties = this.propertiesOf(message);
    const destination = isDead
      ? await this.deadLetter(group, properties)
      : await this.retry(group, header, message, properties);
    const result = await this.put(copyOf(message, destination.topic, destination.queueId, properties));
    if (result.status !== 'PUT_OK') {
      throw new RequestRefusedError(ResponseCode.SYSTEM_ERROR, withReason(result), { status: result.status });
    }
  }

  private async load(header: ConsumerSendMsgBackRequest): Promise<MessageExt> {
    const record = header.offset >= 0 ? await this.store.messageByPhysicalOffset(header.offset) : undefined;
    if (record !== undefined) return decodeMessage(record, 0, { inflate: false });
    throw new RequestRefusedError(ResponseCode.SYSTEM_ERROR, `look message by offset failed, ${header.offset}`);
  }

  /** The message's properties as they go into the copy, but for what the destination adds. */
  private propertiesOf(message: MessageExt): Record<string, string | undefined> {
    return {
      ...message.properties,
      [MessageConst.RETRY_TOPIC]: message.properties[MessageConst.RETRY_TOPIC] ?? message.topic,
      [MessageConst.ORIGIN_MESSAGE_ID]: message.properties[MessageConst.ORIGIN_MESSAGE_ID] ?? message.offsetMsgId,
      [MessageConst.WAIT_STORE_MSG_OK]: 'false',
    };
  }

  private async deadLetter(
    group: SubscriptionGroupConfig,
    properties: Record<string, string | undefined>,
  ): Promise<Place> {
    const topic = await this.creator.deadLetterTopic(group.groupName);
    properties[MessageConst.DELAY_TIME_LEVEL] = '0';
    return { topic: topic.topicName, queueId: 0 };
  }

  private async retry(
    group: SubscriptionGroupConfig,
    header: ConsumerSendMsgBackRequest,
    message: MessageExt,
    properties: Record<string, string | undefined>,
  ): Promise<Place> {
    const topic = await this.creator.retryTopic(group.groupName, group.retryQueueNums, header.unitMode);
    if (!isWriteable(topic.perm)) {
      throw new RequestRefusedError(
        ResponseCode.NO_PERMISSION,
        `the topic[${topic.topicName}] sending message is forbidden`,
      );
    }
    const queueId = Math.floor(Math.random() * group.retryQueueNums);
    const delayLevel = header.delayLevel > 0 ? header.delayLevel : FIRST_RETRY_DELAY_LEVEL + message.reconsumeTimes;
    const delayed = this.rules.delayed(topic.topicName, queueId, delayLevel);
    Object.assign(properties, { [MessageConst.DELAY_TIME_LEVEL]: String(delayLevel) }, delayed.edits);
    return delayed;
  }

  private put(message: PutMessage): Promise<PutResult> {
    return new Promise((resolve) => this.store.putMessage(message, resolve));
  }
}

function copyOf(
  message: MessageExt,
  topic: string,
  queueId: number,
  properties: Record<string, string | undefined>,
): PutMessage {
  const tags = getTags(message);
  return {
    topic,
    queueId,
    flag: message.flag,
    sysFlag: message.sysFlag,
    bornTimestamp: message.bornTimestamp,
    bornHost: encodeHost(message.bornHost),
    reconsumeTimes: message.reconsumeTimes + 1,
    preparedTransactionOffset: 0,
    body: message.body,
    properties: encodeReceivedProperties(properties),
    tagsCode: tags === undefined ? 0 : tagsCodeOf(tags),
    waitStoreOk: false,
  };
}

function withReason(result: PutResult): string {
  return result.reason === undefined ? result.status : `${result.status}: ${result.reason}`;
}
