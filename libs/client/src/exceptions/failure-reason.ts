import { inspect } from 'node:util';
import type { MessageExt } from '@rocknest/client-core';
import {
  MAX_FAILURE_MESSAGE_BYTES,
  MAX_FAILURE_NAME_BYTES,
  MAX_FAILURE_TRACE_ID_BYTES,
  MAX_PROPERTIES_WITH_FAILURE_BYTES,
} from '../defaults.js';

/** User properties in which the reason of a failure stays with a message that is retried or dead-lettered. */
export const FailureProperty = {
  NAME: 'rocknestFailureName',
  MESSAGE: 'rocknestFailureMessage',
  TRACE_ID: 'rocknestFailureTraceId',
  AT: 'rocknestFailureAt',
} as const;

/** Why the last delivery of a message failed. */
export interface MessageFailure {
  /** Name of the exception. */
  readonly name: string;
  /** Its text, cut at 1,024 bytes. */
  readonly message: string;
  /** Trace id of the failed delivery, when the message or the exception names one. */
  readonly traceId: string | undefined;
  /** When. */
  readonly at: Date | undefined;
}

// Every control character, of which U+0001 and U+0002 separate properties on the wire.
const CONTROL = /\p{Cc}+/gu;

/** At most so many bytes of UTF-8, no separators of the property encoding, no half characters. */
export function propertyText(text: string, maxBytes: number): string {
  // Half a surrogate pair becomes U+FFFD here, as it would on the wire.
  const clean = Buffer.from(text.slice(0, maxBytes)).toString('utf8').replace(CONTROL, ' ').trim();
  if (Buffer.byteLength(clean) <= maxBytes) return clean;
  // A cut in the middle of a character leaves U+FFFD of what was begun.
  return Buffer.from(clean)
    .subarray(0, maxBytes)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}

/** W3C trace context, as OpenTelemetry's propagators put it into properties: version-traceid-parent-flags. */
const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-/;

function traceIdOf(error: unknown, message: MessageExt): string | undefined {
  const own = (error as { traceId?: unknown } | null | undefined)?.traceId;
  if (typeof own === 'string') return own;
  return TRACEPARENT.exec(message.properties['traceparent'] ?? '')?.[1];
}

function textsOf(error: unknown): [name: string, message: string] {
  if (error instanceof Error) return [error.name, error.message];
  if (typeof error === 'object' && error !== null) {
    const { name, message } = error as { name?: unknown; message?: unknown };
    return [
      typeof name === 'string' ? name : 'Object',
      typeof message === 'string' ? message : inspect(error, { depth: 2 }),
    ];
  }
  return [typeof error, String(error)];
}

/** The properties that say why, or undefined where the message has no room for them. */
export function failureProperties(
  error: unknown,
  message: MessageExt,
  nowMs = Date.now(),
): Record<string, string> | undefined {
  const [name, text] = textsOf(error);
  const properties: Record<string, string> = {
    [FailureProperty.NAME]: propertyText(name, MAX_FAILURE_NAME_BYTES) || 'Error',
    [FailureProperty.AT]: new Date(nowMs).toISOString(),
  };
  const what = propertyText(text, MAX_FAILURE_MESSAGE_BYTES);
  if (what !== '') properties[FailureProperty.MESSAGE] = what;
  const traceId = propertyText(traceIdOf(error, message) ?? '', MAX_FAILURE_TRACE_ID_BYTES);
  if (traceId !== '') properties[FailureProperty.TRACE_ID] = traceId;
  let sizeBytes = 0;
  for (const [key, value] of Object.entries({ ...message.properties, ...properties })) {
    sizeBytes += Buffer.byteLength(key) + Buffer.byteLength(value) + 2;
  }
  return sizeBytes <= MAX_PROPERTIES_WITH_FAILURE_BYTES ? properties : undefined;
}

/** What the properties of a message say of its last failure. */
export function readFailure(properties: Readonly<Record<string, string>>): MessageFailure | undefined {
  const name = properties[FailureProperty.NAME];
  if (name === undefined) return undefined;
  const at = new Date(properties[FailureProperty.AT] ?? Number.NaN);
  return {
    name,
    message: properties[FailureProperty.MESSAGE] ?? '',
    traceId: properties[FailureProperty.TRACE_ID],
    at: Number.isNaN(at.getTime()) ? undefined : at,
  };
}
