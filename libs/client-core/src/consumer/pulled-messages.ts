import {
  decodeMessage,
  decodeProperties,
  getTags,
  MessageConst,
  MessageSysFlag,
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
  const tags =
    subscription.tagsSet.length > 0 && !subscription.classFilterMode ? new Set(subscription.tagsSet) : undefined;
  const retryTopic = retryTopicOf(context.group);
  const messages: MessageExt[] = [];
  let unreadable: Map<MessageExt, Error> | undefined;
  const minOffset = String(context.minOffset);
  const maxOffset = String(context.maxOffset);

  const take = (message: MessageExt): void => {
    const { properties } = message;
    if (tags && !tags.has(getTags(message) ?? '')) return;
    properties[MessageConst.MIN_OFFSET] = minOffset;
    properties[MessageConst.MAX_OFFSET] = maxOffset;
    message.brokerName = context.brokerName;
    const origin = properties[MessageConst.RETRY_TOPIC];
    if (origin !== undefined && message.topic === retryTopic) message.topic = origin;
    messages.push(message);
  };

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
      for (const inner of unwrap(message)) take(inner);
      continue;
    }
    if (problem === undefined) message.sysFlag &= ~COMPRESSION_BITS;
    else (unreadable ??= new Map()).set(message, problem);
    take(message);
  }
  return { messages, unreadable };
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
