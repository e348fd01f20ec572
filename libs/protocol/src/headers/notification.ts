import { boolOr, defineHeader, int32, int64Or, optionalText, text } from './header-codec.js';

/**
 * NOTIFICATION (200054): asks whether there is something to pop, and waits for it. No body; answered SUCCESS when it is admitted.
 *
 * Follows `remoting/protocol/header/NotificationRequestHeader.java`.
 */
export interface NotificationRequest {
  consumerGroup: string;
  topic: string;
  /** Negative: any queue of the topic. */
  queueId: number;
  /** How long the broker may hold the request, in milliseconds from `bornTime` on. */
  pollTime: number;
  bornTime: number;
  order: boolean;
  attemptId: string | undefined;
  /** TAG or SQL92; newer clients send them, the 5.4 broker of Java does not read them. */
  expType: string | undefined;
  exp: string | undefined;
}

const requestCodec = defineHeader<NotificationRequest>({
  consumerGroup: text,
  topic: text,
  queueId: int32,
  pollTime: int64Or(0),
  bornTime: int64Or(0),
  order: boolOr(false),
  attemptId: optionalText,
  expType: optionalText,
  exp: optionalText,
});

export const decodeNotificationRequest = requestCodec.decode;
export const encodeNotificationRequest = requestCodec.encode;

/** Follows `remoting/protocol/header/NotificationResponseHeader.java`. */
export interface NotificationResponse {
  hasMsg: boolean;
  /** Too many wait already: the request was not held. */
  pollingFull: boolean;
}

const responseCodec = defineHeader<NotificationResponse>({ hasMsg: boolOr(false), pollingFull: boolOr(false) });

export const decodeNotificationResponse = responseCodec.decode;
export const encodeNotificationResponse = responseCodec.encode;
