import { responseCodeName, RocknestError } from '@rocknest/protocol';

/** Stable codes of `MQClientError.code`. */
export const MQClientErrorCode = {
  /** An option, a name or an argument is not usable. */
  INVALID_ARGUMENT: 'INVALID_ARGUMENT',
  /** `namesrvAddr` is missing or not a list of `host:port`. */
  INVALID_NAMESRV_ADDR: 'INVALID_NAMESRV_ADDR',
  /** No namesrv of the list answered. */
  NAMESRV_UNREACHABLE: 'NAMESRV_UNREACHABLE',
  /** Namesrvs answered, and none knows the topic. */
  NO_ROUTE: 'NO_ROUTE',
  /** The route names no (usable) broker of that name. */
  BROKER_NOT_FOUND: 'BROKER_NOT_FOUND',
  /** A broker or namesrv answered with an error; see `MQBrokerError.responseCode`. */
  BROKER_ERROR: 'BROKER_ERROR',
  /** The connection failed or broke before the answer. */
  CONNECTION_FAILED: 'CONNECTION_FAILED',
  /** The time of the whole operation was used up. */
  TIMEOUT: 'TIMEOUT',
  /** A request was sent, and its reply did not come in time. */
  REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
  /** A limit of sends under way was reached. */
  TOO_MANY_PENDING_SENDS: 'TOO_MANY_PENDING_SENDS',
  /** The message breaks a rule (size, reserved property, topic name, ...). */
  MESSAGE_ILLEGAL: 'MESSAGE_ILLEGAL',
  /** Used before `start()`. */
  NOT_STARTED: 'NOT_STARTED',
  /** Used after or during `shutdown()`. */
  SHUT_DOWN: 'SHUT_DOWN',
  /** `start()` of what already runs, or of a group that the same client id already has. */
  ALREADY_STARTED: 'ALREADY_STARTED',
  /** No message has the id that was asked for. */
  NO_MESSAGE: 'NO_MESSAGE',
  /** A broker can't filter as the consumer asks. */
  SUBSCRIPTION_REFUSED: 'SUBSCRIPTION_REFUSED',
  /** The file of a broadcasting consumer's offsets is damaged, and its backup too. */
  LOCAL_OFFSETS_UNREADABLE: 'LOCAL_OFFSETS_UNREADABLE',
  /** Offsets that were to be committed could not be written. */
  OFFSET_NOT_WRITTEN: 'OFFSET_NOT_WRITTEN',
  /** The queue is not one of this member's (any more). */
  QUEUE_NOT_ASSIGNED: 'QUEUE_NOT_ASSIGNED',
  /** An answer could not be understood. */
  BAD_RESPONSE: 'BAD_RESPONSE',
} as const;
export type MQClientErrorCode = (typeof MQClientErrorCode)[keyof typeof MQClientErrorCode];

interface ErrorOptions {
  retriable?: boolean;
  cause?: unknown;
  details?: Record<string, unknown>;
}

/** What this room throws (RocketMQ: `client/exception/MQClientException.java`). */
export class MQClientError extends RocknestError {
  constructor(code: MQClientErrorCode, message: string, options: ErrorOptions = {}) {
    super(code, message, options);
    this.name = 'MQClientError';
  }
}

/** A broker or namesrv answered, with another code than success (`client/exception/MQBrokerException.java`). */
export class MQBrokerError extends MQClientError {
  /** RocketMQ's response code. */
  readonly responseCode: number;
  /** The remark of the answer, empty when there was none. */
  readonly remark: string;
  readonly address: string;

  constructor(
    what: string,
    address: string,
    responseCode: number,
    remark: string | undefined,
    options: { retriable?: boolean; note?: string } = {},
  ) {
    const text = remark ?? '';
    const answer = `${responseCode} ${responseCodeName(responseCode)}${text === '' ? '' : `: ${text}`}`;
    super(MQClientErrorCode.BROKER_ERROR, `${what}: ${address} answered ${answer}${options.note ?? ''}`, {
      retriable: options.retriable ?? false,
      details: { responseCode, remark: text, address },
    });
    this.name = 'MQBrokerError';
    this.responseCode = responseCode;
    this.remark = text;
    this.address = address;
  }
}

/** The response code of a broker's answer, or undefined for every other error. */
export function responseCodeOf(error: unknown): number | undefined {
  return error instanceof MQBrokerError ? error.responseCode : undefined;
}

/** The text of anything that was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
