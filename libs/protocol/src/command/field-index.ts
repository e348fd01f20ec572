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
  keyStart: new Int32Array(EXT_FIELDS_MAX),
  keyEnd: new Int32Array(EXT_FIELDS_MAX),
  valueStart: new Int32Array(EXT_FIELDS_MAX),
  valueEnd: new Int32Array(EXT_FIELDS_MAX),
  /** Bits {@link KEY_ESCAPED} | {@link VALUE_ESCAPED} | {@link VALUE_NOT_ASCII}. */
  flags: new Uint8Array(EXT_FIELDS_MAX),
};

export const KEY_ESCAPED = 1;
export const VALUE_ESCAPED = 2;
export const VALUE_NOT_ASCII = 4;

/** Forgets all fields, before a header is scanned. */
export function clearFieldIndex(): void {
  fieldIndex.owner = 0;
  fieldIndex.count = 0;
  fieldIndex.hasEscapedKey = false;
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
  fieldIndex.keyStart[i] = keyStart;
  fieldIndex.keyEnd[i] = keyEnd;
  fieldIndex.valueStart[i] = valueStart;
  fieldIndex.valueEnd[i] = valueEnd;
  fieldIndex.flags[i] = flags;
  fieldIndex.count = i + 1;
}
