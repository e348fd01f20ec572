import type { SubscriptionData } from '../bodies/subscription-data.js';
import { isRetryTopic } from '../topic/names.js';
import { SUB_ALL } from './subscription.js';

/** Longer expressions are cut in texts. */
const MAX_EXPRESSION_LENGTH = 120;
/** Topics that a text names; the others are counted. */
const MAX_TOPICS = 5;

/** What a subscription takes, the same for tags in another order; the type only where it is not TAG. */
function taken(data: SubscriptionData): string {
  if (data.expressionType !== 'TAG' && data.expressionType !== '') return `${data.expressionType} ${data.subString}`;
  return data.tagsSet.length === 0 ? SUB_ALL : [...data.tagsSet].sort().join(' || ');
}

/** Topic -> what is taken of it, without retry topics: those come and go with the way a member consumes. */
function byTopic(subscriptions: readonly SubscriptionData[]): Map<string, string> {
  const topics = new Map<string, string>();
  for (const data of subscriptions) if (!isRetryTopic(data.topic)) topics.set(data.topic, taken(data));
  return topics;
}

/** A text that is equal for members that subscribe to the same things. */
export function subscriptionSignature(subscriptions: readonly SubscriptionData[]): string {
  return [...byTopic(subscriptions)]
    .map(([topic, what]) => `${topic}\u0001${what}`)
    .sort()
    .join('\u0002');
}

/**
 * What two members of a group subscribe to differently, topic by topic: `orders: created | *; stock: nothing | *`, the first one's before the bar.
 *
 * @returns undefined when they take the same.
 */
export function subscriptionDifference(
  first: readonly SubscriptionData[],
  second: readonly SubscriptionData[],
): string | undefined {
  const [one, other] = [byTopic(first), byTopic(second)];
  const parts = [...new Set([...one.keys(), ...other.keys()])]
    .sort()
    .filter((topic) => one.get(topic) !== other.get(topic))
    .map((topic) => `${topic}: ${shown(one.get(topic))} | ${shown(other.get(topic))}`);
  if (parts.length === 0) return undefined;
  const more = parts.length > MAX_TOPICS ? `; and ${parts.length - MAX_TOPICS} more topics` : '';
  return parts.slice(0, MAX_TOPICS).join('; ') + more;
}

function shown(expression: string | undefined): string {
  if (expression === undefined) return 'nothing';
  return expression.length > MAX_EXPRESSION_LENGTH ? `${expression.slice(0, MAX_EXPRESSION_LENGTH)}...` : expression;
}
