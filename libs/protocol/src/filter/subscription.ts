import type { SubscriptionData } from '../bodies/subscription-data.js';
import { ProtocolError } from '../errors.js';
import { javaStringHash } from '../message/java-hash.js';
import { trimLikeJava } from './java-text.js';

/** Expression types of `common/filter/ExpressionType.java`. */
export const ExpressionType = { TAG: 'TAG', SQL92: 'SQL92' } as const;
const { TAG, SQL92 } = ExpressionType;

/** Takes every message, tagged or not. */
export const SUB_ALL = '*';

/** Most tags in one expression. */
export const SUBSCRIPTION_TAGS_MAX = 1024;

/**
 * The subscription of a tag expression: tags joined by `||`, or `*` (also for an empty or absent expression) for all messages. Exactly as brokers
 * and Java clients read it: ` * ` is a tag, and an expression of blanks takes no message at all.
 *
 * @param subVersion milliseconds; must grow with each change of a subscription. Default: now.
 * @throws ProtocolError `PROTOCOL_INVALID_ARGUMENT` when nothing stands beside the `||`, `PROTOCOL_LIMIT` when there are too many tags.
 * Source: `remoting/protocol/filter/FilterAPI.java`.
 */
export function buildSubscriptionData(topic: string, expression?: string, subVersion = Date.now()): SubscriptionData {
  const data = { topic, subVersion, expressionType: TAG, classFilterMode: false };
  const given = expression ?? '';
  if (given === '' || given === SUB_ALL) return { ...data, subString: SUB_ALL, tagsSet: [], codeSet: [] };
  const parts = given.split('||');
  if (parts.every((part) => part === '')) {
    throw new ProtocolError(
      'PROTOCOL_INVALID_ARGUMENT',
      `the subscription expression '${given}' of topic ${topic} names no tag`,
    );
  }
  const tags = parts.map(trimLikeJava).filter((tag) => tag !== '');
  if (tags.length > SUBSCRIPTION_TAGS_MAX) {
    throw new ProtocolError(
      'PROTOCOL_LIMIT',
      `the subscription of topic ${topic} names ${tags.length} tags, at most ${SUBSCRIPTION_TAGS_MAX} are allowed`,
    );
  }
  const tagsSet = [...new Set(tags)];
  const codeSet = [...new Set(tagsSet.map(javaStringHash))];
  // As it was given, like Java: brokers and tools show it.
  return { ...data, subString: given, tagsSet, codeSet };
}

/** The subscription of an SQL92 expression, which is not looked at here (see {@link Sql92Filter}). */
export function buildSql92SubscriptionData(
  topic: string,
  expression: string,
  subVersion = Date.now(),
): SubscriptionData {
  return {
    topic,
    subVersion,
    expressionType: SQL92,
    classFilterMode: false,
    subString: expression,
    tagsSet: [],
    codeSet: [],
  };
}
