import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import {
  arrayOf,
  asObject,
  booleanOf,
  integerOf,
  requiredStringOf,
  stringOf,
  type JsonObject,
} from '../json/json-value.js';
import { readSubscriptionData, type SubscriptionData } from './subscription-data.js';

export type ConsumeType = 'CONSUME_ACTIVELY' | 'CONSUME_PASSIVELY' | 'CONSUME_POP';
export type MessageModel = 'CLUSTERING' | 'BROADCASTING';
export type ConsumeFromWhere = 'CONSUME_FROM_LAST_OFFSET' | 'CONSUME_FROM_FIRST_OFFSET' | 'CONSUME_FROM_TIMESTAMP';

export interface ConsumerData {
  groupName: string;
  /** A {@link ConsumeType}; other texts of future clients are carried along. */
  consumeType: string;
  /** A {@link MessageModel}. */
  messageModel: string;
  /** A {@link ConsumeFromWhere}. */
  consumeFromWhere: string;
  subscriptionDataSet: SubscriptionData[];
  unitMode: boolean;
}

export interface ProducerData {
  groupName: string;
}

/** The body of HEART_BEAT. Source: `remoting/protocol/heartbeat/HeartbeatData.java`. */
export interface HeartbeatData {
  clientID: string;
  producerDataSet: ProducerData[];
  consumerDataSet: ConsumerData[];
  /** Not 0: the client takes part in heartbeat V2. */
  heartbeatFingerprint: number;
  /** V2: subscriptions are left out because they did not change. */
  withoutSub: boolean;
}

export function decodeHeartbeatData(body: Buffer | string): HeartbeatData {
  const object = asObject(parseFastjson(body), 'a heartbeat');
  return {
    clientID: stringOf(object, 'clientID', ''),
    producerDataSet: arrayOf(object, 'producerDataSet').map((value) => ({
      groupName: requiredStringOf(asObject(value, 'producerDataSet'), 'groupName', 'producerDataSet'),
    })),
    consumerDataSet: arrayOf(object, 'consumerDataSet').map((value) =>
      readConsumerData(asObject(value, 'consumerDataSet')),
    ),
    heartbeatFingerprint: integerOf(object, 'heartbeatFingerprint', 0),
    withoutSub: booleanOf(object, 'withoutSub', false),
  };
}

export function encodeHeartbeatData(heartbeat: HeartbeatData): Buffer {
  return encodeFastjson(heartbeat);
}

function readConsumerData(object: JsonObject): ConsumerData {
  return {
    groupName: requiredStringOf(object, 'groupName', 'consumerDataSet'),
    consumeType: stringOf(object, 'consumeType', 'CONSUME_PASSIVELY'),
    messageModel: stringOf(object, 'messageModel', 'CLUSTERING'),
    consumeFromWhere: stringOf(object, 'consumeFromWhere', 'CONSUME_FROM_LAST_OFFSET'),
    subscriptionDataSet: arrayOf(object, 'subscriptionDataSet').map((value) =>
      readSubscriptionData(asObject(value, 'subscriptionDataSet')),
    ),
    unitMode: booleanOf(object, 'unitMode', false),
  };
}
