import { decodeRecords, type RawRecord } from './raw-record.js';
import type { RawConnection, RawFields, RawResponse } from './raw-remoting.js';

const Code = {
  PULL_MESSAGE: 11,
  UPDATE_AND_CREATE_TOPIC: 17,
  QUERY_CONSUMER_OFFSET: 14,
  UPDATE_CONSUMER_OFFSET: 15,
  GET_MAX_OFFSET: 30,
  GET_MIN_OFFSET: 31,
  LOCK_BATCH_MQ: 41,
  SEND_MESSAGE_V2: 310,
  SEND_BATCH_MESSAGE: 320,
} as const;

const PULL_FOUND = 0;
const PULL_SUBSCRIPTION_IN_HEADER = 4;
const PULL_MAX_MESSAGES = 32;

export function createTopic(connection: RawConnection, topic: string, queues: number): Promise<RawResponse> {
  return connection.call(Code.UPDATE_AND_CREATE_TOPIC, {
    topic,
    defaultTopic: 'TBW102',
    readQueueNums: queues,
    writeQueueNums: queues,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
  });
}

export function sendFields(topic: string, queueId: number, properties = '', batch = false): RawFields {
  return {
    a: 'PID_raw',
    b: topic,
    c: 'TBW102',
    d: 4,
    e: queueId,
    f: 0,
    g: Date.now(),
    h: 0,
    i: properties,
    j: 0,
    k: false,
    l: 0,
    m: batch,
  };
}

export function sendMessage(
  connection: RawConnection,
  topic: string,
  queueId: number,
  body: Buffer,
  properties = '',
): Promise<RawResponse> {
  return connection.request(Code.SEND_MESSAGE_V2, sendFields(topic, queueId, properties), body);
}

/** All bodies in one request, as consecutive messages of one queue. */
export function sendBatch(
  connection: RawConnection,
  topic: string,
  queueId: number,
  bodies: readonly Buffer[],
): Promise<RawResponse> {
  const parts = bodies.map((body) => {
    const item = Buffer.alloc(22 + body.length);
    item.writeInt32BE(item.length, 0);
    item.writeInt32BE(body.length, 16);
    body.copy(item, 20);
    return item;
  });
  return connection.request(Code.SEND_BATCH_MESSAGE, sendFields(topic, queueId, '', true), Buffer.concat(parts));
}

export async function maxOffset(connection: RawConnection, topic: string, queueId: number): Promise<number> {
  return Number((await connection.call(Code.GET_MAX_OFFSET, { topic, queueId })).fields.offset);
}

export async function minOffset(connection: RawConnection, topic: string, queueId: number): Promise<number> {
  return Number((await connection.call(Code.GET_MIN_OFFSET, { topic, queueId })).fields.offset);
}

/** One pull that doesn't wait for new messages. */
export function pull(
  connection: RawConnection,
  topic: string,
  queueId: number,
  queueOffset: number,
  maxMsgNums = PULL_MAX_MESSAGES,
): Promise<RawResponse> {
  return connection.request(Code.PULL_MESSAGE, {
    consumerGroup: 'GID_raw',
    topic,
    queueId,
    queueOffset,
    maxMsgNums,
    sysFlag: PULL_SUBSCRIPTION_IN_HEADER,
    commitOffset: 0,
    suspendTimeoutMillis: 0,
    subscription: '*',
    subVersion: 0,
    expressionType: 'TAG',
  });
}

/** Every message of a queue from its min to its max offset; fails where a pull in between finds nothing. */
export async function readQueue(connection: RawConnection, topic: string, queueId: number): Promise<RawRecord[]> {
  const end = await maxOffset(connection, topic, queueId);
  const records: RawRecord[] = [];
  let offset = await minOffset(connection, topic, queueId);
  while (offset < end) {
    const response = await pull(connection, topic, queueId, offset);
    if (response.code !== PULL_FOUND) {
      throw new Error(
        `queue ${queueId} of ${topic}: a pull at ${offset} below ${end} was answered ${response.code} ${response.remark}`,
      );
    }
    const found = decodeRecords(response.body);
    const next = Number(response.fields.nextBeginOffset);
    if (found.length === 0 || next <= offset)
      throw new Error(`queue ${queueId} of ${topic}: a pull at ${offset} leads to ${next}`);
    records.push(...found);
    offset = next;
  }
  return records;
}

export interface QueueName {
  readonly topic: string;
  readonly queueId: number;
}

export async function queryConsumerOffset(
  connection: RawConnection,
  consumerGroup: string,
  { topic, queueId }: QueueName,
): Promise<number> {
  const response = await connection.call(Code.QUERY_CONSUMER_OFFSET, { consumerGroup, topic, queueId });
  return Number(response.fields.offset);
}

export async function updateConsumerOffset(
  connection: RawConnection,
  consumerGroup: string,
  { topic, queueId }: QueueName,
  commitOffset: number,
): Promise<void> {
  await connection.call(Code.UPDATE_CONSUMER_OFFSET, { consumerGroup, topic, queueId, commitOffset });
}

interface RawQueue {
  topic: string;
  brokerName: string;
  queueId: number;
}

/** LOCK_BATCH_MQ in the name of a client that does nothing else. @returns the queues that it holds now. */
export async function lockQueues(
  connection: RawConnection,
  consumerGroup: string,
  clientId: string,
  mqSet: readonly RawQueue[],
): Promise<RawQueue[]> {
  const body = Buffer.from(JSON.stringify({ clientId, consumerGroup, mqSet, onlyThisBroker: false }));
  const response = await connection.request(Code.LOCK_BATCH_MQ, {}, body);
  if (response.code !== 0) throw new Error(`lock: ${response.code} ${response.remark ?? ''}`);
  return (JSON.parse(response.body.toString()) as { lockOKMQSet: RawQueue[] }).lockOKMQSet;
}
