import type { SubscriptionData } from '@rocknest/protocol';

/** A subscription with its filter ready for use: built once at the heartbeat, used at each pull and each arrival. */
export interface Subscription {
  readonly data: SubscriptionData;
  /** Tests the tags code of a consume queue entry. Undefined when every message matches. */
  readonly matches: ((tagsCode: number) => boolean) | undefined;
}

/** True for the tag filter, which is also what an absent expression type means. */
export function isTagType(expressionType: string | undefined): boolean {
  return expressionType === undefined || expressionType === '' || expressionType === 'TAG';
}

/**
 * Follows `broker/filter/ExpressionMessageFilter.java`, the part that looks at the consume queue: `*` takes everything,
 * otherwise the tag's hash must be among the subscription's (a message without tags has hash 0). The client compares the text again.
 */
export function createSubscription(data: SubscriptionData): Subscription {
  return { data, matches: createTagMatcher(data) };
}

function createTagMatcher(data: SubscriptionData): ((tagsCode: number) => boolean) | undefined {
  if (data.subString === '*' || data.classFilterMode === true || !isTagType(data.expressionType)) return undefined;
  const codes = data.codeSet;
  if (codes.length === 1) {
    const only = codes[0];
    return (tagsCode) => tagsCode === only;
  }
  const codeSet = new Set(codes);
  return (tagsCode) => codeSet.has(tagsCode);
}
