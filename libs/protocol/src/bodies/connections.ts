import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { arrayOf, asObject, entriesOf, integerOf, stringOf } from '../json/json-value.js';
import { readSubscriptionData, type SubscriptionData } from './subscription-data.js';

/** A client as the broker sees it. Source: `remoting/protocol/body/Connection.java`. */
export interface ClientConnection {
  clientId: string;
  clientAddr: string;
  language: string;
  version: number;
}

/** The answer to GET_CONSUMER_CONNECTION_LIST. Source: `remoting/protocol/body/ConsumerConnection.java`. */
export interface ConsumerConnection {
  connectionSet: ClientConnection[];
  subscriptionTable: Readonly<Record<string, SubscriptionData>>;
  consumeType: string;
  messageModel: string;
  consumeFromWhere: string;
}

/** The answer to GET_PRODUCER_CONNECTION_LIST. Source: `remoting/protocol/body/ProducerConnection.java`. */
export interface ProducerConnection {
  connectionSet: ClientConnection[];
}

export function decodeConsumerConnection(body: Buffer | string): ConsumerConnection {
  const object = asObject(parseFastjson(body), 'a consumer connection');
  return {
    connectionSet: arrayOf(object, 'connectionSet').map(readConnection),
    subscriptionTable: Object.fromEntries(
      entriesOf(object, 'subscriptionTable').map(([topic, data]) => [
        String(topic),
        readSubscriptionData(asObject(data, 'subscriptionTable')),
      ]),
    ),
    consumeType: stringOf(object, 'consumeType', ''),
    messageModel: stringOf(object, 'messageModel', ''),
    consumeFromWhere: stringOf(object, 'consumeFromWhere', ''),
  };
}

export function encodeConsumerConnection(connection: ConsumerConnection): Buffer {
  return encodeFastjson(connection);
}

export function decodeProducerConnection(body: Buffer | string): ProducerConnection {
  const object = asObject(parseFastjson(body), 'a producer connection');
  return { connectionSet: arrayOf(object, 'connectionSet').map(readConnection) };
}

export function encodeProducerConnection(connection: ProducerConnection): Buffer {
  return encodeFastjson(connection);
}

function readConnection(value: unknown): ClientConnection {
  const object = asObject(value, 'connectionSet');
  return {
    clientId: stringOf(object, 'clientId', ''),
    clientAddr: stringOf(object, 'clientAddr', ''),
    language: stringOf(object, 'language', ''),
    version: integerOf(object, 'version', 0),
  };
}
