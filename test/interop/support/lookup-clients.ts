import { getKeys, MQAdmin, Producer, type LocalTransactionState, type MessageExt } from '@rocknest/client-core';
import { Lab } from './lab.js';

/** A stored message as a lookup gives it. */
export interface Found {
  body: string;
  topic: string;
  keys: string;
  tags: string;
  queueId: number;
  queueOffset: number;
  physicalOffset: number;
  reconsumeTimes: number;
  storeTimestamp: number;
  msgId: string;
}

export interface SentIds {
  msgId: string;
  offsetMsgId: string;
  queueId: number;
  queueOffset: number;
}

export interface LookedUpMessage {
  topic: string;
  body: string;
  keys?: readonly string[];
  queueId?: number;
  delayLevel?: number;
}

export interface KeyRange {
  maxNum?: number;
  beginMs?: number;
  endMs?: number;
}

/** Sends messages and looks them up: whoever's client it is. Nothing found is an empty list. */
export interface LookupClient {
  readonly name: string;
  send(message: LookedUpMessage): Promise<SentIds>;
  /** In a transaction that ends so at once, or stays open. */
  transaction(message: LookedUpMessage, end: keyof typeof LocalTransactionState): Promise<SentIds>;
  byKey(topic: string, key: string, range?: KeyRange): Promise<Found[]>;
  byUniqueId(topic: string, msgId: string): Promise<Found[]>;
  /** `viewMessage`: either kind of id. */
  view(topic: string, id: string): Promise<Found[]>;
  stop(): Promise<void>;
}

export const LOOKUP_TAGS = 'lookup';
/** RocketMQ's ResponseCode.NO_MESSAGE. */
const NO_MESSAGE = 208;
const SEND_TIMEOUT_MS = 30_000;

/** The official client, in a JVM of its own. */
export async function startJavaLookup(version: string, namesrvAddr: string): Promise<LookupClient> {
  const lab = await Lab.start(version, namesrvAddr);
  const text = (value: string): string => encodeURIComponent(value);
  const sending = ({ topic, body, keys = [], queueId, delayLevel = 0 }: LookedUpMessage) => ({
    topic,
    body: text(body),
    keys: text(keys.join(',')),
    tags: LOOKUP_TAGS,
    delay: delayLevel,
    ...(queueId !== undefined && { queue: queueId }),
  });
  const find = async (operation: string, options: Record<string, string | number>): Promise<Found[]> => {
    const answer = await lab.ask<Found[] | { code: number; message: string }>(operation, options);
    if (Array.isArray(answer)) return answer;
    if (answer.code === NO_MESSAGE) return [];
    throw new Error(`${operation} was answered ${answer.code}: ${answer.message}`);
  };
  const ends = { COMMIT_MESSAGE: 'COMMIT_MESSAGE', ROLLBACK_MESSAGE: 'ROLLBACK_MESSAGE', UNKNOWN: 'UNKNOW' };
  return {
    name: `the official Java client ${version}`,
    send: (message) => lab.ask('lookup.send', sending(message)),
    transaction: (message, end) => lab.ask('lookup.transaction', { ...sending(message), fate: ends[end] }),
    byKey: (topic, key, { maxNum, beginMs, endMs } = {}) =>
      find('lookup.key', {
        topic,
        key: text(key),
        ...(maxNum !== undefined && { max: maxNum }),
        ...(beginMs !== undefined && { begin: beginMs }),
        ...(endMs !== undefined && { end: endMs }),
      }),
    byUniqueId: (topic, msgId) => find('lookup.unique', { topic, id: msgId }),
    view: (topic, id) => find('lookup.view', { topic, id }),
    stop: () => lab.stop(),
  };
}

export async function startOurLookup(namesrvAddr: string): Promise<LookupClient> {
  const producer = new Producer({
    namesrvAddr,
    group: 'PID_lookup_ours',
    sendMsgTimeoutMs: SEND_TIMEOUT_MS,
    transactionListener: {
      executeLocalTransaction: (_message, end) => end as LocalTransactionState,
      checkLocalTransaction: () => 'UNKNOWN',
    },
  });
  const admin = new MQAdmin({ namesrvAddr });
  await producer.start();
  await admin.start();
  const input = ({ topic, body, keys = [], delayLevel = 0 }: LookedUpMessage) => ({
    topic,
    body,
    keys: [...keys],
    tags: LOOKUP_TAGS,
    ...(delayLevel > 0 && { delayTimeLevel: delayLevel }),
  });
  const none = (error: unknown): Found[] => {
    if ((error as { code?: unknown }).code === 'NO_MESSAGE') return [];
    throw error;
  };
  return {
    name: 'our client',
    async send(message) {
      const { topic, queueId } = message;
      const queue = queueId === undefined ? {} : { queue: { topic, brokerName: 'broker-a', queueId } };
      return idsOf(await producer.send(input(message), queue));
    },
    transaction: async (message, end) => idsOf(await producer.sendMessageInTransaction(input(message), end)),
    byKey: async (topic, key, range) => (await producer.queryMessage(topic, key, range)).messages.map(tell),
    byUniqueId: async (topic, msgId) => (await admin.queryMessageByUniqKey(topic, msgId)).messages.map(tell),
    view: (topic, id) => producer.viewMessage(topic, id).then((message) => [tell(message)], none),
    async stop() {
      await producer.shutdown();
      await admin.shutdown();
    },
  };
}

function idsOf(result: {
  msgId: string;
  offsetMsgId: string;
  messageQueue: { queueId: number };
  queueOffset: number;
}): SentIds {
  const { msgId, offsetMsgId, messageQueue, queueOffset } = result;
  return { msgId, offsetMsgId, queueId: messageQueue.queueId, queueOffset };
}

function tell(message: MessageExt): Found {
  const { body, topic, properties, queueId, queueOffset, physicalOffset, reconsumeTimes, storeTimestamp, msgId } =
    message;
  return {
    body: body.toString(),
    topic,
    keys: getKeys(message).join(' '),
    tags: properties['TAGS'],
    queueId,
    queueOffset,
    physicalOffset,
    reconsumeTimes,
    storeTimestamp,
    msgId,
  };
}
