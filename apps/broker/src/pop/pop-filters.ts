import { buildSql92SubscriptionData, buildSubscriptionData, ProtocolError } from '@rocknest/protocol';
import { createSubscription, isTagType, type Subscription } from '../clients/subscription.js';

/** Filters of pops are kept ready; the cache starts anew at this size. */
const MAX_CACHED_FILTERS = 10_000;
/** Longer expressions are built at each pop instead of being kept. */
const MAX_CACHED_EXPRESSION_LENGTH = 4_096;

/** The filters that pops bring along, ready for use. */
export class PopFilters {
  private cached = new Map<string, Subscription>();

  /** @returns what is wrong with the expression when it cannot be used. */
  find(topic: string, expression: string | undefined, expressionType: string | undefined): Subscription | string {
    const text = expression ?? '';
    const key = `${topic}\u0001${expressionType ?? ''}\u0001${text}`;
    const known = this.cached.get(key);
    if (known !== undefined) return known;
    const built = build(topic, text, expressionType);
    if (typeof built === 'string' || text.length > MAX_CACHED_EXPRESSION_LENGTH) return built;
    if (this.cached.size >= MAX_CACHED_FILTERS) this.cached = new Map();
    this.cached.set(key, built);
    return built;
  }
}

function build(topic: string, expression: string, expressionType: string | undefined): Subscription | string {
  if (expression !== '' && expressionType !== undefined && !isTagType(expressionType)) {
    const subscription = createSubscription({ ...buildSql92SubscriptionData(topic, expression), expressionType });
    return subscription.problem ?? subscription;
  }
  try {
    return createSubscription(buildSubscriptionData(topic, expression === '' ? '*' : expression));
  } catch (error) {
    if (error instanceof ProtocolError) return error.message;
    throw error;
  }
}
