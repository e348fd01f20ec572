import {
  decodeMessage,
  decodeProperties,
  getTags,
  isRetryTopic,
  MessageConst,
  MessageSysFlag,
  popNormalTopicOf,
  retryTopicOf,
  splitBatchBody,
  type MessageExt,
  type SubscriptionData,
} from '@rocknest/protocol';

export interface PulledContext {
  group: string;
  subscription: SubscriptionData;
  brokerName: string;
  minOffset: number;
  maxOffset: number;
}

export interface PulledMessages {
  messages: MessageExt[];
  /** Messages whose body can't be read, and why; they are among `messages`, with the body as it was stored. */
  unreadable: Map<MessageExt, Error> | undefined;
}

const COMPRESSION_BITS = MessageSysFlag.COMPRESSED_FLAG | MessageSysFlag.COMPRESSION_TYPE_MASK;
const UNWRAP = MessageSysFlag.INNER_BATCH_FLAG | MessageSysFlag.NEED_UNWRAP_FLAG;

/**
 * The messages of a pull's body as listeners get them (RocketMQ: `PullAPIWrapper.processPullResult`): inner batches unwrapped, filtered
 * by the text of the tag (the broker compares hashes, and different tags may have one), the original topic restored. One message that
 * can't be decompressed does not spoil the others: it comes out marked.
 */
export function decodePulledMessages(body: Buffer, context: PulledContext): PulledMessages {
  const { subscription } = context;
  const accepts = tagFilterOf(subscription);
  const retryTopic = retryTopicOf(context.group);
  // Pulled only where a broker changed the group from POP back to PULL.
  const popRetry = subscription.topic !== retryTopic && isRetryTopic(subscription.topic);
  const messages: MessageExt[] = [];
  let unreadable: Map<MessageExt, Error> | undefined;
  const minOffset = String(context.minOffset);
  const maxOffset = String(context.maxOffset);

  decodeRecords(body, (message, problem) => {
    if (problem) (unreadable ??= new Map()).set(message, problem);
    const { properties } = message;
    if (!accepts(message)) return;
    properties[MessageConst.MIN_OFFSET] = minOffset;
    properties[MessageConst.MAX_OFFSET] = maxOffset;
    message.brokerName = context.brokerName;
    const origin = properties[MessageConst.RETRY_TOPIC];
    if (origin !== undefined && message.topic === retryTopic) message.topic = origin;
    else if (popRetry) message.topic = popNormalTopicOf(message.topic, context.group);
    messages.push(message);
  });
  return { messages, unreadable };
}

const ACCEPT_ALL = (): boolean => true;

/** Whether a message has one of the subscription's tags by its text. */
export function tagFilterOf(subscription: SubscriptionData): (message: MessageExt) => boolean {
  if (subscription.tagsSet.length === 0 || subscription.classFilterMode) return ACCEPT_ALL;
  const tags = new Set(subscription.tagsSet);
  return (message) => tags.has(getTags(message) ?? '');
}

/**
 * Hands on the messages of stored records, those of inner batches one by one, with readable bodies; one whose body can't be read comes with the
 * reason and the body as it was stored.
 *
 * @throws ProtocolError when a record itself is broken.
 */
export function decodeRecords(body: Buffer, take: (message: MessageExt, problem: Error | undefined) => void): void {
  for (let position = 0; position < body.length;) {
    let message: MessageExt;
    let problem: Error | undefined;
    try {
      message = decodeMessage(body, position);
    } catch (error) {
      // Either the record itself is broken, which throws again, or only its body.
      message = decodeMessage(body, position, { inflate: false });
      problem = error as Error;
    }
    position += message.storeSize;
    if (problem === undefined && (message.sysFlag & UNWRAP) === UNWRAP) {
      for (const inner of unwrap(message)) take(inner, undefined);
      continue;
    }
    if (problem === undefined) message.sysFlag &= ~COMPRESSION_BITS;
    take(message, problem);
  }
}

/** The messages of one record of a batch queue (`MessageDecoder.decodeMessage`, protocol 03 §13). */
function unwrap(outer: MessageExt): MessageExt[] {
  return splitBatchBody(outer.body).map((item, index) => {
    const properties = decodeProperties(item.properties);
    return {
      ...outer,
      body: item.body,
      flag: item.flag,
      properties,
      queueOffset: outer.queueOffset + index,
      msgId: properties[MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX] ?? outer.offsetMsgId,
    };
  });
}
