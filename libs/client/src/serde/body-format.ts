/**
 * How the body of a message is to be read:
 *
 * - `json`: JSON text; anything else is an error.
 * - `text`: UTF-8 text, given to the handler as a string.
 * - `bytes`: given to the handler as the Buffer that came.
 * - `auto`: as the sender marked it; without a mark JSON when the whole body is JSON, else text when it is UTF-8, else bytes.
 */
export type BodyFormat = 'auto' | 'json' | 'text' | 'bytes';

/**
 * User property in which a Rocknest producer marks a body that is not JSON, with `text` or `bytes`. Without the mark the string
 * `"42"` would come out as a number, and bytes that happen to be UTF-8 as a string. Other clients may set it too.
 */
export const BODY_FORMAT_PROPERTY = 'rocknestBody';

const FORMATS: ReadonlySet<string> = new Set(['auto', 'json', 'text', 'bytes']);

export function isBodyFormat(value: unknown): value is BodyFormat {
  return typeof value === 'string' && FORMATS.has(value);
}
