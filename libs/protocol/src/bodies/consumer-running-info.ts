import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import {
  arrayOf,
  asObject,
  booleanOf,
  entriesOf,
  integerOf,
  numberOf,
  stringOf,
  stringTableOf,
} from '../json/json-value.js';
import { readQueueTable, writeQueueTable, type QueueEntry } from './message-queue-json.js';
import { readSubscriptionData, type SubscriptionData } from './subscription-data.js';

/** What a consumer holds of one queue. Source: `remoting/protocol/body/ProcessQueueInfo.java`. */
export interface ProcessQueueInfo {
  commitOffset: number;
  cachedMsgMinOffset: number;
  cachedMsgMaxOffset: number;
  cachedMsgCount: number;
  cachedMsgSizeInMiB: number;
  transactionMsgMinOffset: number;
  transactionMsgMaxOffset: number;
  transactionMsgCount: number;
  locked: boolean;
  tryUnlockTimes: number;
  lastLockTimestamp: number;
  droped: boolean;
  lastPullTimestamp: number;
  lastConsumeTimestamp: number;
}

/** What a consumer holds of one pop assignment. Source: `remoting/protocol/body/PopProcessQueueInfo.java`. */
export interface PopProcessQueueInfo {
  /** Messages that are popped and not settled. */
  waitAckCount: number;
  droped: boolean;
  lastPopTimestamp: number;
}

/** Rates of one topic, per second and milliseconds. Source: `remoting/protocol/body/ConsumeStatus.java`. */
export interface ConsumeStatus {
  pullRT: number;
  pullTPS: number;
  consumeRT: number;
  consumeOKTPS: number;
  consumeFailedTPS: number;
  consumeFailedMsgs: number;
}

/** The answer to GET_CONSUMER_RUNNING_INFO. Source: `remoting/protocol/body/ConsumerRunningInfo.java`. */
export interface ConsumerRunningInfo {
  properties: Readonly<Record<string, string>>;
  subscriptionSet: SubscriptionData[];
  mqTable: QueueEntry<ProcessQueueInfo>[];
  /** Queue id -1: all queues of the broker. */
  mqPopTable?: QueueEntry<PopProcessQueueInfo>[];
  statusTable: Readonly<Record<string, ConsumeStatus>>;
  userConsumerInfo: Readonly<Record<string, string>>;
  jstack?: string;
}

const QUEUE_NUMBERS = [
  'commitOffset',
  'cachedMsgMinOffset',
  'cachedMsgMaxOffset',
  'cachedMsgCount',
  'cachedMsgSizeInMiB',
  'transactionMsgMinOffset',
  'transactionMsgMaxOffset',
  'transactionMsgCount',
  'tryUnlockTimes',
  'lastLockTimestamp',
  'lastPullTimestamp',
  'lastConsumeTimestamp',
] as const;

const STATUS_NUMBERS = [
  'pullRT',
  'pullTPS',
  'consumeRT',
  'consumeOKTPS',
  'consumeFailedTPS',
  'consumeFailedMsgs',
] as const;

export function decodeConsumerRunningInfo(body: Buffer | string): ConsumerRunningInfo {
  const object = asObject(parseFastjson(body), 'running info');
  const jstack = stringOf(object, 'jstack');
  return {
    properties: stringTableOf(object, 'properties'),
    subscriptionSet: arrayOf(object, 'subscriptionSet').map((value) =>
      readSubscriptionData(asObject(value, 'subscriptionSet')),
    ),
    mqTable: readQueueTable(object, 'mqTable', readProcessQueueInfo),
    ...(object['mqPopTable'] == null
      ? {}
      : { mqPopTable: readQueueTable(object, 'mqPopTable', readPopProcessQueueInfo) }),
    statusTable: Object.fromEntries(
      entriesOf(object, 'statusTable').map(([topic, status]) => [String(topic), readConsumeStatus(status)]),
    ),
    userConsumerInfo: stringTableOf(object, 'userConsumerInfo'),
    ...(jstack === undefined ? {} : { jstack }),
  };
}

export function encodeConsumerRunningInfo(info: ConsumerRunningInfo): Buffer {
  const { mqPopTable } = info;
  return encodeFastjson({
    ...info,
    mqTable: writeQueueTable(info.mqTable, (queue) => queue),
    ...(mqPopTable && { mqPopTable: writeQueueTable(mqPopTable, (queue) => queue) }),
  });
}

function readPopProcessQueueInfo(value: unknown): PopProcessQueueInfo {
  const object = asObject(value, 'mqPopTable');
  return {
    waitAckCount: integerOf(object, 'waitAckCount', 0),
    droped: booleanOf(object, 'droped', false),
    lastPopTimestamp: integerOf(object, 'lastPopTimestamp', 0),
  };
}

function readProcessQueueInfo(value: unknown): ProcessQueueInfo {
  const object = asObject(value, 'mqTable');
  const numbers = Object.fromEntries(QUEUE_NUMBERS.map((key) => [key, integerOf(object, key, 0)])) as Record<
    (typeof QUEUE_NUMBERS)[number],
    number
  >;
  return { ...numbers, locked: booleanOf(object, 'locked', false), droped: booleanOf(object, 'droped', false) };
}

function readConsumeStatus(value: unknown): ConsumeStatus {
  const object = asObject(value, 'statusTable');
  return Object.fromEntries(STATUS_NUMBERS.map((key) => [key, numberOf(object, key, 0)])) as Record<
    (typeof STATUS_NUMBERS)[number],
    number
  >;
}
