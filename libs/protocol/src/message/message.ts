import { KEY_SEPARATOR, MessageConst } from './message-const.js';

/** A message as an application sees it. `body` is never compressed here. */
export interface Message {
  topic: string;
  body: Buffer;
  /** The application's own number, carried as it is. */
  flag?: number;
  properties: Record<string, string>;
}

/** A message as it was stored. */
export interface MessageExt extends Message {
  flag: number;
  queueId: number;
  queueOffset: number;
  /** Position of the record in the commit log. */
  physicalOffset: number;
  /** Bytes of the whole record. */
  storeSize: number;
  sysFlag: number;
  /** Milliseconds since 1970, the sender's clock. */
  bornTimestamp: number;
  /** `ip:port` (`[ip]:port` for IPv6) of the sender. */
  bornHost: string;
  /** Milliseconds since 1970, the broker's clock. */
  storeTimestamp: number;
  storeHost: string;
  /** CRC-32 of the stored (maybe compressed) body without its top bit. */
  bodyCrc: number;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
  /** The sender's id (property UNIQ_KEY), or the offset id when there is none. */
  msgId: string;
  offsetMsgId: string;
  brokerName?: string;
}

export function getTags(message: Message): string | undefined {
  return message.properties[MessageConst.TAGS];
}

export function setTags(message: Message, tags: string): void {
  message.properties[MessageConst.TAGS] = tags;
}

/** Keys by which the broker indexes the message; an empty list when it has none. */
export function getKeys(message: Message): string[] {
  const keys = message.properties[MessageConst.KEYS];
  return keys === undefined ? [] : keys.split(KEY_SEPARATOR).filter((key) => key !== '');
}

export function setKeys(message: Message, keys: string | readonly string[]): void {
  message.properties[MessageConst.KEYS] = typeof keys === 'string' ? keys : keys.join(KEY_SEPARATOR);
}

/** The id the sender gave the message. */
export function getUniqKey(message: Message): string | undefined {
  return message.properties[MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX];
}

/** 0 when the message is not delayed. */
export function getDelayTimeLevel(message: Message): number {
  const level = message.properties[MessageConst.DELAY_TIME_LEVEL];
  return level === undefined || !/^\d{1,9}$/.test(level) ? 0 : Number(level);
}

export function setDelayTimeLevel(message: Message, level: number): void {
  message.properties[MessageConst.DELAY_TIME_LEVEL] = String(level);
}

/** Whether the sender waits for flush and replication; true unless the property WAIT says otherwise. */
export function isWaitStoreMsgOk(message: Message): boolean {
  const wait = message.properties[MessageConst.WAIT_STORE_MSG_OK];
  return wait === undefined || wait.toLowerCase() === 'true';
}

export function setWaitStoreMsgOk(message: Message, wait: boolean): void {
  message.properties[MessageConst.WAIT_STORE_MSG_OK] = String(wait);
}
