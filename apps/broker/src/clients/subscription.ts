import { ExpressionType, Sql92Error, type SubscriptionData } from '@rocknest/protocol';
import { sql92Filters } from '../filter/sql92-filter-cache.js';

/** Tests the record that stands at `at` of the bytes. */
export type RecordFilter = (bytes: Buffer, at: number, sizeBytes: number) => boolean;

/** A subscription with its filter ready for use: built once at the heartbeat, used at each pull and each arrival. */
export interface Subscription {
  readonly data: SubscriptionData;
  /** Tests the tags code of a consume queue entry. Undefined when every message matches. */
  readonly matches: ((tagsCode: number) => boolean) | undefined;
  /** Tests the properties of a stored message. Undefined when the entry alone decides. */
  readonly matchesRecord: RecordFilter | undefined;
  /** Why the expression cannot be used, so that nothing may be read with it; undefined when it can. */
  readonly problem: string | undefined;
}

/** True for the tag filter, which is also what an absent expression type means. */
export function isTagType(expressionType: string | undefined): boolean {
  return expressionType === undefined || expressionType === '' || expressionType === ExpressionType.TAG;
}

/**
 * Follows `broker/filter/ExpressionMessageFilter.java`. By tag: `*` takes everything, otherwise the tag's hash must be among the subscription's
 * (a message without tags has hash 0); the client compares the text again. By SQL92: what the expression says of the properties.
 */
export function createSubscription(data: SubscriptionData): Subscription {
  if (isTagType(data.expressionType))
    return { data, matches: createTagMatcher(data), matchesRecord: undefined, problem: undefined };
  if (data.expressionType !== ExpressionType.SQL92) {
    const problem = `expression type ${data.expressionType} is neither TAG nor SQL92`;
    return { data, matches: undefined, matchesRecord: undefined, problem };
  }
  const filter = sql92Filters.get(data.subString);
  if (filter instanceof Sql92Error)
    return { data, matches: undefined, matchesRecord: undefined, problem: filter.message };
  const matchesRecord: RecordFilter = (bytes, at, sizeBytes) => filter.matchesRecord(bytes, at, sizeBytes);
  return {
    data,
    matches: undefined,
    matchesRecord: data.classFilterMode === true ? undefined : matchesRecord,
    problem: undefined,
  };
}

function createTagMatcher(data: SubscriptionData): ((tagsCode: number) => boolean) | undefined {
  if (data.subString === '*' || data.classFilterMode === true) return undefined;
  const codes = data.codeSet;
  if (codes.length === 1) {
    const only = codes[0];
    return (tagsCode) => tagsCode === only;
  }
  const codeSet = new Set(codes);
  return (tagsCode) => codeSet.has(tagsCode);
}
