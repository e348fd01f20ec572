import { ProtocolError } from '../errors.js';
import type { PopRetryFlag } from '../topic/pop-retry-topic.js';

/** Shown of a value in an error. */
const SHOWN_CHARS = 100;

export function popInfoError(field: string, value: string, what: string): ProtocolError {
  return new ProtocolError('PROTOCOL_INVALID_FIELD', `The ${field} '${value.slice(0, SHOWN_CHARS)}' ${what}`, {
    field,
    value: value.slice(0, SHOWN_CHARS),
  });
}

export function popInteger(part: string, field: string, whole: string): number {
  const number = /^-?\d{1,16}$/.test(part) ? Number(part) : NaN;
  if (!Number.isSafeInteger(number)) {
    throw popInfoError(field, whole, `has ${JSON.stringify(part.slice(0, 30))} where a whole number must stand`);
  }
  return number;
}

export function isPopRetryFlag(text: string): text is PopRetryFlag {
  return text === '0' || text === '1' || text === '2';
}
