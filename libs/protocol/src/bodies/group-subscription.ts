import { encodeFastjson } from '../json/fastjson-stringify.js';
import type { SubscriptionData } from './subscription-data.js';

/** The answer to QUERY_SUBSCRIPTION_BY_CONSUMER. Source: `remoting/protocol/body/QuerySubscriptionResponseBody.java`. */
export interface GroupSubscription {
  group: string;
  topic: string;
  subscriptionData?: SubscriptionData | undefined;
}

export function encodeGroupSubscription(subscription: GroupSubscription): Buffer {
  return encodeFastjson(subscription);
}
