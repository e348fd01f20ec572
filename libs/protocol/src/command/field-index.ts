import { EXT_FIELDS_MAX } from '../defaults.js';
import { ProtocolError } from '../errors.js';

/**
 * Where the ext fields stand in the header that was scanned last.
 *
 * One index serves the whole process: a command is nearly always read right after it was decoded, so nothing is
 * allocated for it. A command that is read later finds another `owner` here and is scanned again.
 */
export const fieldIndex = {
  /** Serial number of the command whose fields are indexed; 0 = none. */
  owner: 0,
  count: 0,
  /** Some name is written with escapes: decoders that compare bytes must not be used. */
  hasEscapedKey: false,
};

/** The name of a field has JSON escapes. */
export const KEY_ESCAPED = 1;
/** The value of a field has JSON escapes. */
export const VALUE_ESCAPED = 2;
/** The value of a field may hold bytes above 127, and must be decoded as UTF-8. */
export const VALUE_MAY_BE_UTF8 = 4;

/** For each field: key start, key end, value start, value end, flags, three unused. */
const STRIDE_BITS = 3;
const positions = new Int32Array(EXT_FIELDS_MAX << STRIDE_BITS);

export function keyStartOf(i: number): number {
  return positions[i << STRIDE_BITS];
}

export function keyEndOf(i: number): number {
  return positions[(i << STRIDE_BITS) + 1];
}

export function valueStartOf(i: number): number {
  return positions[(i << STRIDE_BITS) + 2];
}

export function valueEndOf(i: number): number {
  return positions[(i << STRIDE_BITS) + 3];
}

export function flagsOf(i: number): number {
  return positions[(i << STRIDE_BITS) + 4];
}

/** Forgets all fields, before a header is scanned. */
export function clearFieldIndex(): void {
  fieldIndex.owner = 0;
  fieldIndex.count = 0;
  fieldIndex.hasEscapedKey = false;
}

/** The header with these fields stands `bytes` further left by now. */
export function moveFieldIndex(bytes: number): void {
  const end = fieldIndex.count << STRIDE_BITS;
  for (let at = 0; at < end; at += 1 << STRIDE_BITS) {
    positions[at] -= bytes;
    positions[at + 1] -= bytes;
    positions[at + 2] -= bytes;
    positions[at + 3] -= bytes;
  }
}

/** Adds one field, or throws when the header has more than {@link EXT_FIELDS_MAX}. */
export function indexField(
  keyStart: number,
  keyEnd: number,
  valueStart: number,
  valueEnd: number,
  flags: number,
): void {
  const i = fieldIndex.count;
  if (i === EXT_FIELDS_MAX) {
    throw new ProtocolError('PROTOCOL_LIMIT', `A header has more than ${EXT_FIELDS_MAX} ext fields`);
  }
  if ((flags & KEY_ESCAPED) !== 0) fieldIndex.hasEscapedKey = true;
  const at = i << STRIDE_BITS;
  positions[at] = keyStart;
  positions[at + 1] = keyEnd;
  positions[at + 2] = valueStart;
  positions[at + 3] = valueEnd;
  positions[at + 4] = flags;
  fieldIndex.count = i + 1;
}
