import { ProtocolError } from '../errors.js';
import { FastjsonMap } from './fastjson-map.js';
import { quote, quoteAscii } from './quote.js';

export interface FastjsonWriteOptions {
  /** All keys quoted and non-ASCII characters escaped: what clients from version 401 on want for routes. Default false. */
  standard?: boolean;
}

/**
 * Writes JSON as fastjson does: keys in alphabetical order, members without a value left out, a `Map` with numeric keys
 * with bare keys (`{0:"h:p"}`), a {@link FastjsonMap} with objects as keys. With `standard`, numeric keys are quoted.
 *
 * @throws ProtocolError `PROTOCOL_INVALID_ARGUMENT` for values JSON has no form for.
 */
export function stringifyFastjson(value: unknown, options: FastjsonWriteOptions = {}): string {
  return write(value, options.standard ?? false);
}

/** The same as the bytes of a body. */
export function encodeFastjson(value: unknown, options?: FastjsonWriteOptions): Buffer {
  return Buffer.from(stringifyFastjson(value, options), 'utf8');
}

function write(value: unknown, standard: boolean): string {
  switch (typeof value) {
    case 'string':
      return standard ? quoteAscii(value) : quote(value);
    case 'number':
      if (!Number.isFinite(value)) throw new ProtocolError('PROTOCOL_INVALID_ARGUMENT', `${value} has no form in JSON`);
      return String(value);
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'object':
      return value === null ? 'null' : writeObject(value, standard);
    default:
      throw new ProtocolError('PROTOCOL_INVALID_ARGUMENT', `a ${typeof value} has no form in JSON`);
  }
}

function writeObject(value: object, standard: boolean): string {
  if (Array.isArray(value)) return `[${value.map((item) => write(item ?? null, standard)).join(',')}]`;
  if (value instanceof FastjsonMap) {
    return `{${value.entries.map(([key, item]) => `${write(key, standard)}:${write(item, standard)}`).join(',')}}`;
  }
  if (value instanceof Map) {
    const entries = [...(value as Map<unknown, unknown>)].filter(([, item]) => item != null).sort(byKey);
    return `{${entries.map(([key, item]) => `${writeKey(key, standard)}:${write(item, standard)}`).join(',')}}`;
  }
  const members = Object.entries(value)
    .filter(([, item]) => item != null)
    .sort(byKey);
  return `{${members.map(([key, item]) => `${writeKey(key, standard)}:${write(item, standard)}`).join(',')}}`;
}

function writeKey(key: unknown, standard: boolean): string {
  if (typeof key === 'number' && !standard) return String(key);
  return standard ? quoteAscii(String(key)) : quote(String(key));
}

function byKey(a: readonly unknown[], b: readonly unknown[]): number {
  const [x, y] = [a[0], b[0]];
  if (typeof x === 'number' && typeof y === 'number') return x - y;
  const [s, t] = [String(x), String(y)];
  return s < t ? -1 : s > t ? 1 : 0;
}
