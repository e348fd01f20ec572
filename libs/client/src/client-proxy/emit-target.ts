import { inspect } from 'node:util';
import { parseTopicPattern } from '../consumer/topic-pattern.js';
import { invalidOption } from '../errors.js';

/** Where an event goes. */
export interface EmitTarget {
  readonly topic: string;
  readonly tag: string | undefined;
}

/** Patterns are few in most applications; one that makes them up at run time must not grow without bound. */
const MAX_KNOWN_TARGETS = 1_000;
const known = new Map<string, EmitTarget>();

/**
 * Reads the pattern of an `emit`: `'topic'`, `'topic:tag'` or `{ topic, tags }`. Texts are read once.
 *
 * @throws RocketMQPluginError INVALID_OPTION.
 */
export function emitTargetOf(pattern: unknown): EmitTarget {
  if (typeof pattern !== 'string') return read(pattern);
  let target = known.get(pattern);
  if (target === undefined) {
    target = read(pattern);
    if (known.size >= MAX_KNOWN_TARGETS) known.clear();
    known.set(pattern, target);
  }
  return target;
}

function read(pattern: unknown): EmitTarget {
  const { topic, tags } = parseTopicPattern(pattern);
  if (tags !== undefined && tags.length > 1) {
    throw invalidOption(`pattern ${inspect(pattern)} has the tags ${tags.join(', ')}; a message has one`);
  }
  return { topic, tag: tags?.[0] };
}
