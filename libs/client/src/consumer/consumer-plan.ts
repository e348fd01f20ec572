import { MessageSelector } from '@rocknest/client-core';
import { MAX_RECONSUME_TIMES } from '../defaults.js';
import { RocketMQPluginError, RocketMQPluginErrorCode } from '../errors.js';
import { CONSUMER_GROUP_OPTION_NAMES, type ConsumerGroupOptions } from './consumer-options.js';
import type { HandlerEntry } from './handler-entry.js';
import { tagExpression } from './topic-pattern.js';

/** One consumer group: one subscription set, one `PushConsumer`, any number of handlers. */
export interface ConsumerPlan {
  readonly group: string;
  /** True: each queue in order, one message at a time. */
  readonly orderly: boolean;
  readonly handlers: readonly HandlerEntry[];
  /** Topic to tag expression, or to the selector of an SQL92 expression. */
  readonly subscriptions: ReadonlyMap<string, string | MessageSelector>;
  readonly options: Readonly<ConsumerGroupOptions>;
  /** Concurrent: redeliveries for handlers whose policy says nothing. */
  readonly maxReconsumeTimes: number;
  /** Messages that the group works on at once: the sum over its handlers. */
  readonly concurrency: number;
  readonly consumeMessageBatchMaxSize: number;
}

/** What two handlers of a topic both take; undefined: nothing. */
function commonMessages(a: HandlerEntry, b: HandlerEntry): string | undefined {
  const sql = a.sql ?? b.sql;
  return sql === undefined ? commonTags(a, b) : `sql ${sql}, and a group filters a topic by one expression`;
}

function commonTags(a: HandlerEntry, b: HandlerEntry): string | undefined {
  if (a.tags === undefined && b.tags === undefined) return 'all tags';
  if (a.tags === undefined) return `tag ${b.tags!.join(', ')}`;
  if (b.tags === undefined) return `tag ${a.tags.join(', ')}`;
  const common = a.tags.filter((tag) => b.tags!.includes(tag));
  return common.length === 0 ? undefined : `tag ${common.join(', ')}`;
}

/** Nest would let the last of two handlers win, or chain them; a message of a group has exactly one handler here. */
function refuseDuplicates(group: string, handlers: readonly HandlerEntry[]): void {
  for (const [index, second] of handlers.entries()) {
    for (const first of handlers.slice(0, index)) {
      if (first.topic !== second.topic) continue;
      const common = commonMessages(first, second);
      if (common === undefined) continue;
      throw new RocketMQPluginError(
        RocketMQPluginErrorCode.DUPLICATE_HANDLER,
        `${first.label} and ${second.label} both handle topic "${second.topic}" (${common}) for consumer group "${group}", and a message of a group goes to one handler. ` +
          'Give one of them another group (then each gets every message), or tags that the other does not take (then each gets its own), or merge them',
        { details: { group, topic: second.topic, handlers: [first.label, second.label] } },
      );
    }
  }
}

/** Equal dates are one value; of other objects, such as strategies, only the same one is. */
function sameValue(a: unknown, b: unknown): boolean {
  return a instanceof Date && b instanceof Date ? a.getTime() === b.getTime() : a === b;
}

function valueText(value: unknown): string {
  if (typeof value !== 'object' || value === null || value instanceof Date) return String(value);
  const { name } = value as { name?: unknown };
  return `${typeof name === 'string' ? name : 'an object'} (an object of its own)`;
}

/** The members of a group lock its queues, or they don't: a concurrent handler would take what an orderly one has locked. */
function refuseMixture(group: string, handlers: readonly HandlerEntry[]): void {
  const orderly = handlers.find((handler) => handler.orderly);
  const concurrent = handlers.find((handler) => !handler.orderly);
  if (orderly === undefined || concurrent === undefined) return;
  throw new RocketMQPluginError(
    RocketMQPluginErrorCode.CONFLICTING_OPTIONS,
    `${orderly.label} is orderly and ${concurrent.label} is concurrent, but both belong to consumer group "${group}", which consumes in one way. ` +
      'Give one of them another group, or make both @OrderlyConsumer or both @ConcurrentConsumer',
    { details: { group, handlers: [orderly.label, concurrent.label] } },
  );
}

function mergeOptions(
  group: string,
  handlers: readonly HandlerEntry[],
  defaults: ConsumerGroupOptions,
): ConsumerGroupOptions {
  const merged: Record<string, unknown> = {};
  for (const name of CONSUMER_GROUP_OPTION_NAMES) {
    let owner: HandlerEntry | undefined;
    for (const handler of handlers) {
      const value = handler.extras[name];
      if (value === undefined) continue;
      if (owner !== undefined && !sameValue(owner.extras[name], value)) {
        throw new RocketMQPluginError(
          RocketMQPluginErrorCode.CONFLICTING_OPTIONS,
          `${owner.label} sets ${name} to ${valueText(owner.extras[name])} and ${handler.label} sets it to ${valueText(value)}, but both belong to consumer group "${group}", which has it once. ` +
            'Set it at one of them, or give one of them another group',
          { details: { group, option: name, handlers: [owner.label, handler.label] } },
        );
      }
      owner ??= handler;
    }
    const value = owner?.extras[name] ?? defaults[name];
    if (value !== undefined) merged[name] = value;
  }
  return merged;
}

function batchSize(group: string, handlers: readonly HandlerEntry[]): number {
  const batching = handlers.find((handler) => handler.batchMaxMessages !== undefined);
  if (batching === undefined) return 1;
  const other = handlers.find((handler) => handler !== batching);
  if (other !== undefined) {
    throw new RocketMQPluginError(
      RocketMQPluginErrorCode.CONFLICTING_OPTIONS,
      `${batching.label} takes batches and shares consumer group "${group}" with ${other.label}; a batch may hold messages of both. Give one of them another group`,
      { details: { group, handlers: [batching.label, other.label] } },
    );
  }
  return batching.batchMaxMessages!;
}

/** The broker knows one limit of redeliveries for the group: the highest one; handlers with a lower one send to the dead letter queue themselves. */
function groupLimits(
  options: ConsumerGroupOptions,
  handlers: readonly HandlerEntry[],
  orderly: boolean,
): Pick<ConsumerPlan, 'options' | 'maxReconsumeTimes'> {
  const given = options.maxReconsumeTimes ?? -1;
  const maxReconsumeTimes = given < 0 ? MAX_RECONSUME_TIMES : given;
  const own = handlers.map((handler) => handler.policy.maxReconsumeTimes).filter((limit) => limit !== undefined);
  const highest = Math.max(maxReconsumeTimes, ...own);
  if (orderly || highest === maxReconsumeTimes) return { options, maxReconsumeTimes };
  return { options: { ...options, maxReconsumeTimes: highest }, maxReconsumeTimes };
}

function planGroup(group: string, handlers: readonly HandlerEntry[], defaults: ConsumerGroupOptions): ConsumerPlan {
  refuseDuplicates(group, handlers);
  refuseMixture(group, handlers);
  const subscriptions = new Map<string, string | MessageSelector>();
  for (const topic of new Set(handlers.map((handler) => handler.topic))) {
    const sql = handlers.find((handler) => handler.topic === topic)!.sql;
    if (sql !== undefined) {
      subscriptions.set(topic, MessageSelector.bySql(sql));
      continue;
    }
    const tags = handlers.filter((handler) => handler.topic === topic).map((handler) => handler.tags);
    const all = tags.some((list) => list === undefined);
    subscriptions.set(topic, tagExpression(all ? undefined : new Set(tags.flatMap((list) => list ?? []))));
  }
  const orderly = handlers.some((handler) => handler.orderly);
  return {
    group,
    orderly,
    handlers,
    subscriptions,
    ...groupLimits(mergeOptions(group, handlers, defaults), handlers, orderly),
    concurrency: handlers.reduce((sum, handler) => sum + handler.concurrency, 0),
    consumeMessageBatchMaxSize: batchSize(group, handlers),
  };
}

/**
 * Groups handlers by consumer group. All handlers of a group share one consumer that subscribes to all their topics: members of
 * a group whose subscriptions differ would overwrite each other's at the broker and lose messages.
 *
 * @throws RocketMQPluginError DUPLICATE_HANDLER or CONFLICTING_OPTIONS, naming both handlers and what to change.
 */
export function planConsumers(handlers: readonly HandlerEntry[], defaults: ConsumerGroupOptions = {}): ConsumerPlan[] {
  const groups = new Map<string, HandlerEntry[]>();
  for (const handler of handlers) {
    const members = groups.get(handler.group);
    if (members) members.push(handler);
    else groups.set(handler.group, [handler]);
  }
  return [...groups].map(([group, members]) => planGroup(group, members, defaults));
}
