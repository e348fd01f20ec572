import { ProtocolError } from '../errors.js';
import { FastjsonMap } from './fastjson-map.js';

const STEP = /\.([^.[\]]+)|\[(\d+)\]/y;

/**
 * Replaces `{"$ref":"$.a.b[0]"}` by what stands at that path. Relative references (`..`, `@`), which fastjson writes only
 * for cycles, are refused: no body of RocketMQ has a cycle.
 */
export function resolveReferences(root: unknown): unknown {
  return walk(root, root);
}

function walk(value: unknown, root: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => walk(item, root));
  if (value instanceof FastjsonMap) {
    return new FastjsonMap(value.entries.map(([key, item]) => [walk(key, root), walk(item, root)] as const));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only?.[0] === '$ref' && typeof only[1] === 'string') return lookUp(only[1], root);
  return Object.fromEntries(entries.map(([key, item]) => [key, walk(item, root)]));
}

function lookUp(path: string, root: unknown): unknown {
  if (!path.startsWith('$'))
    throw new ProtocolError('PROTOCOL_BODY', `the JSON body has the reference ${path}, only paths from $ are read`);
  let value = root;
  let position = 1;
  while (position < path.length) {
    STEP.lastIndex = position;
    const step = STEP.exec(path);
    const name = step?.[1] ?? step?.[2];
    if (
      step === null ||
      name === undefined ||
      typeof value !== 'object' ||
      value === null ||
      !Object.hasOwn(value, name)
    ) {
      throw new ProtocolError('PROTOCOL_BODY', `the JSON body has the reference ${path}, and nothing stands there`);
    }
    value = (value as Record<string, unknown>)[name];
    position += step[0].length;
  }
  return value;
}
