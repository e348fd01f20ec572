import { MAX_DELAY_LEVELS, MAX_RECONSUME_TIMES_LIMIT } from '../defaults.js';
import { invalidOption } from '../errors.js';

/** Errors by class (subclasses too), by name or `code`, or by a function. */
export type ErrorMatcher = (abstract new (...args: never[]) => unknown) | string | ((error: unknown) => boolean);

/**
 * What becomes of messages whose handling failed, by the error: of the handler, its pipes, guards and interceptors, or of the deserializer. The
 * first list that knows the error decides: `skip`, `dlq`, `on` of the handler, then those of the server, then those of the module. The exceptions
 * `RetryLater`, `SendToDlq`, `Skip` and `SuspendQueue` overrule all lists.
 */
export interface RetryPolicy {
  /** Errors that are retried. When it is given, an error that no list knows is dead-lettered. @default all */
  on?: readonly ErrorMatcher[];
  /** Errors whose message goes to `%DLQ%group` at once. */
  dlq?: readonly ErrorMatcher[];
  /** Errors whose message is taken as handled. */
  skip?: readonly ErrorMatcher[];
  /** Redeliveries before the dead letter queue. @default that of the group; orderly: without end */
  maxReconsumeTimes?: number;
  /** Delay level of the first, second, ... redelivery; the last one counts for all further ones. @default 3, 4, 5, ... (10 s, 30 s, 1 min, ...) */
  delayLevels?: readonly number[];
  /** Store exception, text and trace id with the message that is retried or dead-lettered. @default true */
  storeReason?: boolean;
}

const LISTS = ['on', 'dlq', 'skip'] as const;
const NAMES: ReadonlySet<string> = new Set([...LISTS, 'maxReconsumeTimes', 'delayLevels', 'storeReason']);

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** @throws RocketMQPluginError CLIENT_INVALID_OPTION naming what is wrong. */
export function checkRetryPolicy(policy: RetryPolicy): RetryPolicy {
  const given: unknown = policy;
  if (typeof given !== 'object' || given === null) throw invalidOption('retry must be an object');
  const unknown = Object.keys(given).find((name) => !NAMES.has(name));
  if (unknown !== undefined) throw invalidOption(`retry.${unknown} is unknown; there are ${[...NAMES].join(', ')}`);
  for (const name of LISTS) {
    const list: unknown = policy[name];
    if (list === undefined) continue;
    const isList = Array.isArray(list);
    if (isList && list.every((one) => typeof one === 'function' || (typeof one === 'string' && one !== ''))) continue;
    throw invalidOption(`retry.${name} must be a list of error classes, names, or functions`);
  }
  const { maxReconsumeTimes, delayLevels, storeReason } = policy;
  if (maxReconsumeTimes !== undefined && !isWhole(maxReconsumeTimes, 0, MAX_RECONSUME_TIMES_LIMIT)) {
    throw invalidOption(
      `retry.maxReconsumeTimes is ${String(maxReconsumeTimes)}, must be an integer from 0 to ${MAX_RECONSUME_TIMES_LIMIT}`,
    );
  }
  const isLevels =
    delayLevels === undefined ||
    (Array.isArray(delayLevels) &&
      delayLevels.length > 0 &&
      delayLevels.every((level) => isWhole(level, 1, MAX_DELAY_LEVELS)));
  if (!isLevels) throw invalidOption('retry.delayLevels must be a list of delay levels, 1 to 18 with the usual table');
  if (storeReason !== undefined && typeof storeReason !== 'boolean')
    throw invalidOption('retry.storeReason must be true or false');
  return policy;
}

function isClass(matcher: object): boolean {
  const { prototype } = matcher as { prototype?: unknown };
  if (typeof prototype !== 'object' || prototype === null) return false;
  return (
    prototype instanceof Error ||
    prototype === Error.prototype ||
    /^class\b/.test(Function.prototype.toString.call(matcher))
  );
}

function hasName(error: unknown, name: string): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { name: ownName, code } = error as { name?: unknown; code?: unknown };
  if (ownName === name || code === name) return true;
  for (let at: unknown = Object.getPrototypeOf(error); at !== null; at = Object.getPrototypeOf(at)) {
    if ((at as { constructor?: { name?: unknown } }).constructor?.name === name) return true;
  }
  return false;
}

/** True when one of the matchers knows the error. */
export function matches(matchers: readonly ErrorMatcher[] | undefined, error: unknown): boolean {
  return (matchers ?? []).some((matcher) => {
    if (typeof matcher === 'string') return hasName(error, matcher);
    if (isClass(matcher)) return error instanceof (matcher as new () => unknown);
    return (matcher as (error: unknown) => boolean)(error);
  });
}
