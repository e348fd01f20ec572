import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { asObject, objectOf, stringOf } from '../json/json-value.js';
import { readSubscriptionData, type SubscriptionData } from './subscription-data.js';

/** The body of CHECK_CLIENT_CONFIG. Source: `remoting/protocol/body/CheckClientRequestBody.java`. */
export interface CheckClientRequestBody {
  clientId: string;
  group: string;
  /** What the client wants to subscribe; absent: there is nothing to check. */
  subscriptionData: SubscriptionData | undefined;
}

export function decodeCheckClientRequestBody(body: Buffer | string): CheckClientRequestBody {
  const object = asObject(parseFastjson(body), 'a client check');
  const subscription = objectOf(object, 'subscriptionData');
  return {
    clientId: stringOf(object, 'clientId', ''),
    group: stringOf(object, 'group', ''),
    subscriptionData: subscription === undefined ? undefined : readSubscriptionData(subscription),
  };
}

export function encodeCheckClientRequestBody(body: CheckClientRequestBody): Buffer {
  return encodeFastjson(body);
}
