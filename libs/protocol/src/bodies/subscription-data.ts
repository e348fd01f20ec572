import {
  asInteger,
  arrayOf,
  booleanOf,
  integerOf,
  requiredStringOf,
  stringOf,
  stringsOf,
  type JsonObject,
} from '../json/json-value.js';

/**
 * What a group takes of a topic. Source: `remoting/protocol/heartbeat/SubscriptionData.java`.
 */
export interface SubscriptionData {
  topic: string;
  /** `*`, or tags joined by `||`, or an SQL92 expression. */
  subString: string;
  tagsSet: string[];
  /** Java string hashes of the tags. */
  codeSet: number[];
  /** Milliseconds; grows with each change of the subscription. */
  subVersion: number;
  /** `TAG` or `SQL92`. */
  expressionType: string;
  classFilterMode: boolean;
}

export function readSubscriptionData(object: JsonObject): SubscriptionData {
  return {
    topic: requiredStringOf(object, 'topic', 'a subscription'),
    subString: stringOf(object, 'subString', '*'),
    tagsSet: stringsOf(object, 'tagsSet'),
    codeSet: arrayOf(object, 'codeSet').map((code) => asInteger(code, 'codeSet')),
    subVersion: integerOf(object, 'subVersion', 0),
    expressionType: stringOf(object, 'expressionType', 'TAG'),
    classFilterMode: booleanOf(object, 'classFilterMode', false),
  };
}
