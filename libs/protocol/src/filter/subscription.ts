import type { SubscriptionData } from '../bodies/subscription-data.js';
import { ProtocolError } from '../errors.js';
import { javaStringHash } from '../message/java-hash.js';

/** Takes every message, tagged or not. */
export const SUB_ALL = '*';

/** Most tags in one expression. */
export const SUBSCRIPTION_TAGS_MAX = 1024;

/**
 * The subscription of a tag expression: tags joined by `||`, or `*` (also for an empty or absent expression) for all messages.
 *
 * @param subVersion milliseconds; must grow with each change of a subscription. Default: now.
 * @throws ProtocolError `PROTOCOL_INVALID_ARGUMENT` when the expression has no tag, `PROTOCOL_LIMIT` when it has too many.
 * Source: `remoting/protocol/filter/FilterAPI.java`.
 */
export function buildSubscriptionData(topic: string, expression?: string, subVersion = Date.now()): SubscriptionData {
  const data = { topic, subVersion, expressionType: 'TAG', classFilterMode: false };
  const given = expression ?? '';
  const text = given.trim();
  if (text === '' || text === SUB_ALL) return { ...data, subString: SUB_ALL, tagsSet: [], codeSet: [] };
  const tags = text
    .split('||')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  if (tags.length === 0) {
    throw new ProtocolError(
      'PROTOCOL_INVALID_ARGUMENT',
      `the subscription expression '${expression}' of topic ${topic} names no tag`,
    );
  }
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
