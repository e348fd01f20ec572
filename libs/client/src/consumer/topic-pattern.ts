import { inspect } from 'node:util';
import { MessageSelector, validateTopic } from '@rocknest/client-core';
import { invalidOption } from '../errors.js';

/** What a handler's pattern asks for. `tags` undefined: all messages of the topic. */
export interface TopicPattern {
  topic: string;
  group: string | undefined;
  tags: readonly string[] | undefined;
  /** An SQL92 expression over the properties, as it is written. */
  sql: string | undefined;
}

const FORMS = `'topic', 'topic:tagA||tagB', { topic, group?, tags? } or { topic, group?, sql? }`;

/** `'a || b'` or `['a', 'b']` as tags without doubles; undefined for all (`*`, nothing). */
export function parseTags(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  const parts: unknown[] = Array.isArray(value) ? (value as unknown[]) : [value];
  const tags = new Set<string>();
  for (const part of parts) {
    if (typeof part !== 'string') throw invalidOption(`tags must be text or an array of texts, not ${typeof part}`);
    for (const tag of part.split('||')) if (tag.trim() !== '') tags.add(tag.trim());
  }
  if (tags.size === 0 || tags.has('*')) return undefined;
  return [...tags];
}

export function optionalText(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.trim() === '') throw invalidOption(`${name} must be a text that is not empty`);
  return value.trim();
}

function checked(
  topic: string,
  group: string | undefined,
  tags: readonly string[] | undefined,
  sql?: string,
): TopicPattern {
  const problem = validateTopic(topic);
  if (problem !== undefined) throw invalidOption(problem);
  return { topic, group, tags, sql };
}

/**
 * Checks the SQL92 expression of a handler.
 *
 * @throws RocketMQPluginError INVALID_OPTION beside tags; MQClientError INVALID_ARGUMENT, with the place, when it is wrong.
 */
export function checkSql(topic: string, sql: string, tags: unknown): void {
  if (tags !== undefined) {
    throw invalidOption(
      `tags (${inspect(tags)}) and sql (${sql}) are both given, and topic "${topic}" is filtered by one of them: ` +
        "leave one out, or name the tag in the expression, as in TAGS = 'created' AND amount > 100",
    );
  }
  MessageSelector.bySql(sql).subscriptionOf(topic);
}

/**
 * Reads the pattern of a handler.
 *
 * @throws RocketMQPluginError INVALID_OPTION.
 */
export function parseTopicPattern(pattern: unknown): TopicPattern {
  if (typeof pattern === 'string') {
    // A topic name can't contain ':', so the first one ends it.
    const end = pattern.indexOf(':');
    if (end < 0) return checked(pattern.trim(), undefined, undefined);
    return checked(pattern.slice(0, end).trim(), undefined, parseTags(pattern.slice(end + 1)));
  }
  if (typeof pattern === 'object' && pattern !== null && 'topic' in pattern) {
    const { topic, group, tags, sql } = pattern as Record<'topic' | 'group' | 'tags' | 'sql', unknown>;
    const name = optionalText('topic', topic);
    if (name === undefined) throw invalidOption(`a pattern has no topic; patterns are ${FORMS}`);
    const expression = optionalText('sql', sql);
    if (expression !== undefined) checkSql(name, expression, tags);
    return checked(name, optionalText('group', group), parseTags(tags), expression);
  }
  throw invalidOption(`pattern ${inspect(pattern)} is none that this transport knows; patterns are ${FORMS}`);
}

/** The subscription expression of tags: `a || b` or `*`. */
export function tagExpression(tags: Iterable<string> | undefined): string {
  return tags === undefined ? '*' : [...tags].join(' || ');
}
