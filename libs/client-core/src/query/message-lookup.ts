import {
  decodeGetEarliestMsgStoretimeResponse,
  decodeMessage,
  decodeMessages,
  decodeOffsetMsgId,
  decodeQueryMessageResponse,
  encodeGetEarliestMsgStoretimeRequest,
  encodeQueryMessageRequest,
  encodeViewMessageByIdRequest,
  getKeys,
  RequestCode,
  ResponseCode,
  uniqKeyTimeMs,
  type MessageExt,
  type MessageQueue,
  type OffsetMsgId,
} from '@rocknest/protocol';
import { AdminContext } from '../admin/admin-context.js';
import { ConsumerApi } from '../consumer/consumer-api.js';
import { LOOKUP_TIMEOUT_MS, QUERY_MAX_NUM, QUERY_TIMEOUT_FACTOR, UNIQ_KEY_CLOCK_SLACK_MS } from '../defaults.js';
import { errorText, MQClientError, MQClientErrorCode, responseCodeOf } from '../errors.js';
import type { ClientInstance } from '../instance/client-instance.js';
import { integerOption } from '../support/check.js';

/** What to look for besides topic and key. */
export interface QueryMessageOptions {
  /** Messages of each broker at most, the newest ones; brokers give 64 at most (`maxMsgsNumBatch`). Default 64. */
  maxNum?: number;
  /** Stored at or after this time, ms since 1970. Default 0. */
  beginMs?: number;
  /** Stored at or before this time. Default: no end. */
  endMs?: number;
}

/** What the brokers of a topic found (RocketMQ: `client/QueryResult.java`). */
export interface QueryResult {
  /** By store time, oldest first. Empty when nothing matches. */
  messages: MessageExt[];
  /** Store time of the newest message that the brokers' indexes know. */
  indexLastUpdateTimestamp: number;
}

/** One of the ways to ask for messages. Brokers of RocketMQ give back whatever has the same hash, and those before 5.4.0 take tags for a key. */
interface IndexKind {
  /** `MessageConst.INDEX_KEY_TYPE` and its like. */
  readonly indexType: string;
  readonly isUniqueKey: boolean;
  readonly has: (message: MessageExt, text: string) => boolean;
}

const BY_KEY: IndexKind = { indexType: 'K', isUniqueKey: false, has: (message, key) => getKeys(message).includes(key) };
const BY_TAGS: IndexKind = {
  indexType: 'T',
  isUniqueKey: false,
  has: ({ properties }, tags) => properties.TAGS === tags,
};
/** Whatever topic it is stored under: a retry, or a delay. */
const BY_UNIQUE_KEY: IndexKind = { indexType: 'U', isUniqueKey: true, has: ({ msgId }, uniqKey) => msgId === uniqKey };

/**
 * Messages by key, by unique id and by place, offsets by time: what producers and tools share (RocketMQ: `client/impl/MQAdminImpl.java`).
 * Rejects with MQClientError NO_ROUTE for a topic that no namesrv knows, TIMEOUT or CONNECTION_FAILED, and MQBrokerError for what a broker refuses.
 */
export class MessageLookup {
  private readonly context: AdminContext;
  private readonly api: ConsumerApi;

  constructor(
    private readonly instance: ClientInstance,
    timeoutMs = LOOKUP_TIMEOUT_MS,
  ) {
    this.context = new AdminContext(instance, timeoutMs);
    this.api = new ConsumerApi(instance);
  }

  /** Messages that have the key among their KEYS, from all brokers of the topic. */
  queryMessage(topic: string, key: string, options: QueryMessageOptions = {}): Promise<QueryResult> {
    return this.query(topic, key, options, BY_KEY);
  }

  /** Messages whose TAGS are that text, from all brokers of the topic: from 5.4.0 on, as older ones have no index of tags and give none. */
  queryMessageByTags(topic: string, tags: string, options: QueryMessageOptions = {}): Promise<QueryResult> {
    return this.query(topic, tags, options, BY_TAGS);
  }

  /** Messages with that unique id: more than one when it was sent again, or is stored in %RETRY% or a delay under another topic meanwhile. */
  queryMessageByUniqKey(topic: string, uniqKey: string, options: QueryMessageOptions = {}): Promise<QueryResult> {
    const bornMs = uniqKeyTimeMs(uniqKey, Date.now());
    // The id tells when it was made: what is older need not be searched.
    const beginMs = bornMs === undefined ? 0 : Math.max(0, bornMs - UNIQ_KEY_CLOCK_SLACK_MS);
    return this.query(topic, uniqKey, { beginMs, ...options }, BY_UNIQUE_KEY);
  }

  /**
   * One message of the topic by its id, whichever kind it is: `offsetMsgId`, which names broker and place, or the unique id `msgId`. Both are
   * hex digits of one length; an offset id is one whose address is that of a broker of the topic.
   *
   * @throws MQClientError NO_MESSAGE.
   */
  async viewMessage(topic: string, msgId: string): Promise<MessageExt> {
    const place = placeOf(msgId);
    if (place !== undefined && (await this.isBrokerOf(topic, place.address))) return this.viewAt(place, msgId, topic);
    const { messages } = await this.queryMessageByUniqKey(topic, msgId);
    if (messages.length > 0) return messages[0];
    const born = uniqKeyTimeMs(msgId, Date.now());
    throw new MQClientError(
      MQClientErrorCode.NO_MESSAGE,
      `no message of topic ${topic} has the id ${msgId}` +
        (born === undefined
          ? ''
          : `, searched from ${new Date(born).toISOString()} on, when it was made; ids repeat each month, so give an older one's time to queryMessageByUniqKey`),
      { details: { topic, msgId } },
    );
  }

  /**
   * One message by its `offsetMsgId`.
   *
   * @throws MQClientError NO_MESSAGE when none begins at that place of the broker's log, or its file was deleted.
   */
  async viewMessageByOffsetId(offsetMsgId: string): Promise<MessageExt> {
    return this.viewAt(decodeOffsetMsgId(offsetMsgId), offsetMsgId, undefined);
  }

  /** The offset that the next message of the queue gets. */
  maxOffset(queue: MessageQueue): Promise<number> {
    return this.api.maxOffset(queue);
  }

  minOffset(queue: MessageQueue): Promise<number> {
    return this.api.minOffset(queue);
  }

  /** The first (LOWER) or last (UPPER) offset of the queue at a time. */
  searchOffset(queue: MessageQueue, timestampMs: number, boundary: 'LOWER' | 'UPPER' = 'LOWER'): Promise<number> {
    return this.api.searchOffset(queue, timestampMs, boundary);
  }

  /** ms since 1970 at which the oldest message of the queue was stored, -1 when it is empty. */
  async earliestMsgStoreTime(queue: MessageQueue): Promise<number> {
    const fields = encodeGetEarliestMsgStoretimeRequest({ topic: queue.topic, queueId: queue.queueId });
    const address = await this.api.addressOf(queue);
    const response = await this.context.request(
      address,
      RequestCode.GET_EARLIEST_MSG_STORETIME,
      fields,
      'earliest store time',
    );
    return decodeGetEarliestMsgStoretimeResponse(response).timestamp;
  }

  private async query(
    topic: string,
    key: string,
    options: QueryMessageOptions,
    { indexType, isUniqueKey, has }: IndexKind,
  ): Promise<QueryResult> {
    const maxNum = integerOption('maxNum', options.maxNum, QUERY_MAX_NUM, 1);
    const beginMs = integerOption('beginMs', options.beginMs, 0, 0, Number.MAX_SAFE_INTEGER);
    const endMs = integerOption('endMs', options.endMs, Number.MAX_SAFE_INTEGER, 0, Number.MAX_SAFE_INTEGER);
    const fields = encodeQueryMessageRequest({
      topic,
      key,
      maxNum,
      beginTimestamp: beginMs,
      endTimestamp: endMs,
      indexType,
      uniqueKeyQuery: isUniqueKey,
    });
    const addresses = this.context.addressesOfRoute(await this.context.topicRoute(topic));
    const answers = await Promise.allSettled(addresses.map((address) => this.ask(address, fields, topic, key)));
    const found: QueryResult = { messages: [], indexLastUpdateTimestamp: 0 };
    for (const answer of answers) {
      if (answer.status === 'rejected') continue;
      const { messages, indexLastUpdateTimestamp } = answer.value;
      found.indexLastUpdateTimestamp = Math.max(found.indexLastUpdateTimestamp, indexLastUpdateTimestamp);
      const isMeant = (message: MessageExt): boolean => (isUniqueKey || message.topic === topic) && has(message, key);
      found.messages.push(...messages.filter(isMeant));
    }
    found.messages.sort((a, b) => a.storeTimestamp - b.storeTimestamp);
    this.reportFailures(answers, found, topic, key);
    return found;
  }

  private async ask(
    address: string,
    fields: ReturnType<typeof encodeQueryMessageRequest>,
    topic: string,
    key: string,
  ): Promise<QueryResult> {
    try {
      const response = await this.context.request(
        address,
        RequestCode.QUERY_MESSAGE,
        fields,
        `messages of ${topic} with key ${key}`,
        undefined,
        this.context.timeoutMs * QUERY_TIMEOUT_FACTOR,
      );
      const { indexLastUpdateTimestamp } = decodeQueryMessageResponse(response);
      return { messages: decodeMessages(response.bodyBuffer), indexLastUpdateTimestamp };
    } catch (error) {
      if (responseCodeOf(error) !== ResponseCode.QUERY_NOT_FOUND) throw error;
      return { messages: [], indexLastUpdateTimestamp: 0 };
    }
  }

  /** A broker that does not answer may have what was asked for: nothing found is not known then. */
  private reportFailures(
    answers: readonly PromiseSettledResult<QueryResult>[],
    found: QueryResult,
    topic: string,
    key: string,
  ): void {
    for (const answer of answers) {
      if (answer.status === 'fulfilled') continue;
      if (found.messages.length === 0) throw answer.reason;
      const { logger } = this.instance.options;
      logger.warn(
        `query of ${topic} for key ${key}: ${errorText(answer.reason)}; what other brokers found is returned`,
      );
    }
  }

  private async isBrokerOf(topic: string, address: string): Promise<boolean> {
    const { brokerDatas } = await this.context.topicRoute(topic);
    return brokerDatas.some(({ brokerAddrs }) => [...brokerAddrs.values()].includes(address));
  }

  private async viewAt(
    { address, physicalOffset }: OffsetMsgId,
    msgId: string,
    topic: string | undefined,
  ): Promise<MessageExt> {
    const fields = encodeViewMessageByIdRequest({ offset: physicalOffset, topic });
    try {
      const response = await this.context.request(address, RequestCode.VIEW_MESSAGE_BY_ID, fields, `message ${msgId}`);
      return decodeMessage(response.bodyBuffer);
    } catch (error) {
      // What brokers answer when no message begins there.
      if (responseCodeOf(error) !== ResponseCode.SYSTEM_ERROR) throw error;
      throw new MQClientError(
        MQClientErrorCode.NO_MESSAGE,
        `broker ${address} has no message ${msgId}, at offset ${physicalOffset} of its log: ${errorText(error)}`,
        { cause: error, details: { topic, msgId, address, physicalOffset } },
      );
    }
  }
}

/** What the id says if it is an offset id; undefined when it cannot be one. */
function placeOf(msgId: string): OffsetMsgId | undefined {
  try {
    return decodeOffsetMsgId(msgId);
  } catch {
    return undefined;
  }
}
