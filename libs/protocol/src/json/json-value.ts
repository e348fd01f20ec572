import { ProtocolError } from '../errors.js';
import { FastjsonMap } from './fastjson-map.js';

/**
 * Typed reads of a parsed body, as lenient as fastjson: an absent or null member is its default, a number may come as text and the other
 * way round. What cannot be read as the wanted type is a ProtocolError that names the member.
 */
export type JsonObject = Readonly<Record<string, unknown>>;

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof FastjsonMap) {
    throw new ProtocolError('PROTOCOL_BODY', `${what} must be a JSON object`);
  }
  return value as JsonObject;
}

export function objectOf(object: JsonObject, key: string): JsonObject | undefined {
  return object[key] == null ? undefined : asObject(object[key], key);
}

export function arrayOf(object: JsonObject, key: string): readonly unknown[] {
  const value = object[key];
  if (value == null) return [];
  if (!Array.isArray(value)) throw new ProtocolError('PROTOCOL_BODY', `${key} must be a JSON array`);
  return value;
}

export function stringOf(object: JsonObject, key: string): string | undefined;
export function stringOf(object: JsonObject, key: string, fallback: string): string;
export function stringOf(object: JsonObject, key: string, fallback?: string): string | undefined {
  const value = object[key];
  if (value == null) return fallback;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new ProtocolError('PROTOCOL_BODY', `${key} must be text`);
}

export function requiredStringOf(object: JsonObject, key: string, what: string): string {
  const value = stringOf(object, key);
  if (value === undefined) throw new ProtocolError('PROTOCOL_BODY', `${what} has no ${key}`);
  return value;
}

export function integerOf(object: JsonObject, key: string): number | undefined;
export function integerOf(object: JsonObject, key: string, fallback: number): number;
export function integerOf(object: JsonObject, key: string, fallback?: number): number | undefined {
  const value = object[key];
  if (value == null) return fallback;
  return asInteger(value, key);
}

export function asInteger(value: unknown, what: string): number {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (!Number.isSafeInteger(number)) {
    throw new ProtocolError(
      'PROTOCOL_BODY',
      `${what} must be a whole number within 2^53, not ${JSON.stringify(value)}`,
    );
  }
  return number as number;
}

export function numberOf(object: JsonObject, key: string, fallback: number): number {
  const value = object[key];
  if (value == null) return fallback;
  const number = Number(value);
  if (!Number.isFinite(number)) throw new ProtocolError('PROTOCOL_BODY', `${key} must be a number`);
  return number;
}

export function booleanOf(object: JsonObject, key: string, fallback: boolean): boolean {
  const value = object[key];
  if (value == null) return fallback;
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 1) return true;
  if (value === 'false' || value === 0) return false;
  throw new ProtocolError('PROTOCOL_BODY', `${key} must be true or false`);
}

export function stringsOf(object: JsonObject, key: string): string[] {
  return arrayOf(object, key).map((item) => {
    if (typeof item !== 'string') throw new ProtocolError('PROTOCOL_BODY', `${key} must hold text only`);
    return item;
  });
}

/** The members of an object as a map from name to text. */
export function stringTableOf(object: JsonObject, key: string): Record<string, string> {
  const table = objectOf(object, key);
  const result: Record<string, string> = {};
  for (const name of Object.keys(table ?? {})) result[name] = stringOf(table ?? {}, name, '');
  return result;
}

/** The entries of a map whichever form it came in: text keys, numeric keys, or objects as keys. */
export function entriesOf(object: JsonObject, key: string): readonly (readonly [unknown, unknown])[] {
  const value = object[key];
  if (value == null) return [];
  if (value instanceof FastjsonMap) return value.entries;
  return Object.entries(asObject(value, key));
}
