import { JSON_MAX_LENGTH, NAME_MAX_LENGTH } from './defaults.js';
import { toJsonColumn } from './entities/json-column.js';
import { MetadataError } from './metadata-error.js';

const INT32_MAX = 0x7fffffff;

/** @throws MetadataError METADATA_INVALID when a name is empty, too long for its column, or holds what no database keeps. */
export function checkName(noun: string, name: string): void {
  // Blanks at the end count for nothing in MySQL, and Postgres has no NUL.
  if (name === '' || name.length > NAME_MAX_LENGTH || /[\0-\u0020]/.test(name)) {
    const shown = JSON.stringify(name.slice(0, NAME_MAX_LENGTH));
    throw invalid(
      `The ${noun} name ${shown} has ${name.length} characters; allowed are 1 to ${NAME_MAX_LENGTH}, no blanks`,
    );
  }
}

/** @throws MetadataError METADATA_INVALID when a field is no 32-bit number. */
export function checkInt32(owner: string, fields: Readonly<Record<string, number>>): void {
  for (const [field, value] of Object.entries(fields)) {
    if (!Number.isInteger(value) || value < -INT32_MAX - 1 || value > INT32_MAX) {
      throw invalid(`${field}=${value} of ${owner} is not a whole number of 32 bits`);
    }
  }
}

/** @throws MetadataError METADATA_INVALID when a field's JSON is longer than its column. */
export function checkJson(owner: string, fields: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const { length } = toJsonColumn(value);
    if (length > JSON_MAX_LENGTH)
      throw invalid(`${field} of ${owner} has ${length} characters; at most ${JSON_MAX_LENGTH} are kept`);
  }
}

function invalid(message: string): MetadataError {
  return new MetadataError('METADATA_INVALID', `${message}. Nothing was changed.`);
}
