import {
  encodeProperties,
  MessageConst,
  MessageSysFlag,
  retryTopicOf,
  type ConsumerSendMsgBackRequest,
  type MessageExt,
  type MessageQueue,
} from '@rocknest/protocol';
import { MAX_PROPERTIES_BYTES, MAX_RECONSUME_TIMES } from '../defaults.js';
import { errorText } from '../errors.js';
import type { ClientLogger } from '../logger.js';
import type { OutgoingMessage } from '../producer/outgoing-message.js';
import { propertyProblem } from '../producer/property-check.js';

export interface SendBackOptions {
  group: string;
  /** -1: the broker's default of 16. */
  maxReconsumeTimes: number;
  sendMessageBack(queue: MessageQueue, header: ConsumerSendMsgBackRequest): Promise<void>;
  /** An ordinary send, with its retries on other brokers. */
  resend(message: OutgoingMessage): Promise<void>;
  logger: ClientLogger;
}

/** First delay level of a retry: 10 s (protocol 03 §9). */
const FIRST_RETRY_LEVEL = 3;

/** Properties that this client itself put on when it pulled, or that would make the broker treat the resend as something else. */
const NOT_RESENT = [
  MessageConst.MIN_OFFSET,
  MessageConst.MAX_OFFSET,
  MessageConst.TRANSACTION_PREPARED,
  MessageConst.RECONSUME_TIME,
  MessageConst.MAX_RECONSUME_TIMES,
  MessageConst.POP_CK,
  MessageConst.FIRST_POP_TIME,
];

/**
 * Gives a message back to the bus after its handling failed (RocketMQ: `DefaultMQPushConsumerImpl.sendMessageBack`): the broker that has it
 * moves it to the group's retry topic with a delay, or to the dead letter queue. Should that fail, the client sends a copy to the retry
 * topic on any broker.
 */
export class SendBack {
  /** Messages whose properties are not those that the broker has stored. */
  private readonly annotated = new WeakSet<MessageExt>();

  constructor(private readonly options: SendBackOptions) {}

  /**
   * Has these properties stored with the message when it is given back. CONSUMER_SEND_MSG_BACK makes the broker copy what it has and takes no
   * properties, so such a message is sent to the retry topic, from which every broker makes the same of it. Left out where they don't fit.
   */
  annotate(message: MessageExt, properties: Readonly<Record<string, string>>): void {
    const problem = Object.entries(properties)
      .map(([name, value]) => propertyProblem(name, value))
      .find((text) => text !== undefined);
    const all = { ...message.properties, ...properties };
    const sizeBytes = problem === undefined ? Buffer.byteLength(encodeProperties(all)) : 0;
    if (problem !== undefined || sizeBytes > MAX_PROPERTIES_BYTES) {
      this.options.logger.warn(
        `message ${message.msgId} is given back without the properties ${Object.keys(properties).join(', ')}: ` +
          (problem ?? `with them it would have ${sizeBytes} bytes of properties, ${MAX_PROPERTIES_BYTES} are allowed`),
      );
      return;
    }
    Object.assign(message.properties, properties);
    this.annotated.add(message);
  }

  /** Rejects when the message is neither with the broker nor resent. */
  async sendBack(message: MessageExt, queue: MessageQueue, delayLevel: number): Promise<void> {
    const { group, logger } = this.options;
    const resend = (): Promise<void> => this.options.resend(this.retryMessage(message, delayLevel));
    const giveBack = (): Promise<void> => this.options.sendMessageBack(queue, this.header(message, delayLevel));
    const resendsFirst = this.annotated.has(message);
    try {
      await (resendsFirst ? resend() : giveBack());
    } catch (error) {
      logger.warn(
        resendsFirst
          ? `message ${message.msgId} could not be sent to the retry topic of group ${group} (${errorText(error)}); given back to its broker, without the reason of the failure`
          : `message ${message.msgId} of group ${group} not taken back by the broker (${errorText(error)}); sent to the retry topic`,
      );
      await (resendsFirst ? giveBack() : resend());
    }
  }

  private header(message: MessageExt, delayLevel: number): ConsumerSendMsgBackRequest {
    return {
      offset: message.physicalOffset,
      group: this.options.group,
      delayLevel,
      originMsgId: message.offsetMsgId,
      originTopic: message.topic,
      unitMode: false,
      maxReconsumeTimes: this.maxReconsumeTimes,
    };
  }

  private get maxReconsumeTimes(): number {
    return this.options.maxReconsumeTimes < 0 ? MAX_RECONSUME_TIMES : this.options.maxReconsumeTimes;
  }

  /** A copy for the retry topic (protocol 06 §7). More deliveries than allowed in its header make the broker put it into the dead letter queue. */
  retryMessage(message: MessageExt, delayLevel: number): OutgoingMessage {
    const properties: Record<string, string> = { ...message.properties };
    for (const name of NOT_RESENT) delete properties[name];
    properties[MessageConst.RETRY_TOPIC] = message.topic;
    properties[MessageConst.ORIGIN_MESSAGE_ID] ??= message.offsetMsgId;
    properties[MessageConst.DELAY_TIME_LEVEL] = String(
      delayLevel > 0 ? delayLevel : FIRST_RETRY_LEVEL + message.reconsumeTimes,
    );
    const { maxReconsumeTimes } = this;
    return {
      topic: retryTopicOf(this.options.group),
      body: message.body,
      bodyBytes: message.body.length,
      // Set only on a body that this client could not decompress.
      sysFlag: message.sysFlag & (MessageSysFlag.COMPRESSED_FLAG | MessageSysFlag.COMPRESSION_TYPE_MASK),
      flag: message.flag,
      properties: encodeProperties(properties),
      msgId: message.msgId,
      isBatch: false,
      reconsumeTimes: delayLevel < 0 ? maxReconsumeTimes + 1 : message.reconsumeTimes + 1,
      maxReconsumeTimes,
    };
  }
}
