/** Details of an error: structured values for logs and tests; the message already says them in words. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

export interface RocknestErrorOptions {
  /** True when the same call may succeed later without any change on the caller's side. Default false. */
  retriable?: boolean;
  cause?: unknown;
  details?: Record<string, unknown>;
}

const NO_DETAILS: ErrorDetails = Object.freeze({});

/**
 * Base of every error Rocknest throws. `code` is stable and meant for programs; the message is meant for people and
 * says what happened, with which values, and what to do.
 */
export class RocknestError extends Error {
  readonly code: string;
  readonly retriable: boolean;
  readonly details: ErrorDetails;

  constructor(code: string, message: string, options: RocknestErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retriable = options.retriable ?? false;
    this.details = options.details ?? NO_DETAILS;
  }
}

/** Codes of {@link ProtocolError}. */
export type ProtocolErrorCode =
  | 'PROTOCOL_FRAME' // the frame's own lengths or serialisation type are wrong
  | 'PROTOCOL_HEADER' // the header is not JSON or not the compact form
  | 'PROTOCOL_INVALID_FIELD' // a header field is missing or not of its type
  | 'PROTOCOL_BODY' // a request or response body cannot be read
  | 'PROTOCOL_MESSAGE' // a stored or batched message cannot be read or written
  | 'PROTOCOL_LIMIT' // a count, length or depth is above its limit
  | 'PROTOCOL_INVALID_ARGUMENT'; // the caller's value cannot be put on the wire

/** Bytes from the network (or values meant for it) that break RocketMQ's formats. Never retriable: the same bytes fail again. */
export class ProtocolError extends RocknestError {
  declare readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string, details?: Record<string, unknown>, cause?: unknown) {
    super(code, message, { details, cause });
  }
}
