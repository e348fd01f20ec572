import { boolOr, defineHeader, int32, int32Or, int64, int64Or, optionalText, text } from './header-codec.js';

/** Where a group without progress begins (`ConsumeInitMode.java`). */
export const PopInitMode = { MIN: 0, MAX: 1 } as const;

/** Most messages of one pop. */
export const POP_MAX_MESSAGES = 32;

/**
 * POP_MESSAGE (200050): takes messages of a queue, or of all queues of a topic, for a time. Response body = stored records one after another.
 * Codes: 0 found; 209 too many wait already; 210 nothing came in time.
 *
 * Follows `remoting/protocol/header/PopMessageRequestHeader.java`.
 */
export interface PopMessageRequest {
  consumerGroup: string;
  topic: string;
  /** Negative: any queue of the topic. */
  queueId: number;
  maxMsgNums: number;
  /** How long what is popped stays invisible to others, in milliseconds. */
  invisibleTime: number;
  /** How long the broker may hold the request when there is nothing, in milliseconds from `bornTime` on. */
  pollTime: number;
  /** When the client asked, in milliseconds since 1970; 0: when it arrives. */
  bornTime: number;
  /** One of `PopInitMode`. */
  initMode: number;
  /** TAG or SQL92. */
  expType: string | undefined;
  exp: string | undefined;
  /** In order: a queue gives nothing more until what was popped of it is acknowledged or visible again. */
  order: boolean;
  /** The same id on the same queue gets again what it did not acknowledge (a retry after a lost response). */
  attemptId: string | undefined;
}

const requestCodec = defineHeader<PopMessageRequest>({
  consumerGroup: text,
  topic: text,
  queueId: int32,
  maxMsgNums: int32,
  invisibleTime: int64,
  pollTime: int64Or(0),
  bornTime: int64Or(0),
  initMode: int32Or(PopInitMode.MIN),
  expType: optionalText,
  exp: optionalText,
  order: boolOr(false),
  attemptId: optionalText,
});

export const decodePopMessageRequest = requestCodec.decode;
export const encodePopMessageRequest = requestCodec.encode;

/** Follows `remoting/protocol/header/PopMessageResponseHeader.java`. */
export interface PopMessageResponse {
  popTime: number;
  invisibleTime: number;
  /** Queue of the revive topic; 999 for messages popped in order. */
  reviveQid: number;
  /** Messages that are left, of all queues that were looked at. */
  restNum: number;
  startOffsetInfo?: string | undefined;
  msgOffsetInfo?: string | undefined;
  orderCountInfo?: string | undefined;
}

const responseCodec = defineHeader<PopMessageResponse>({
  popTime: int64Or(0),
  invisibleTime: int64Or(0),
  reviveQid: int32Or(0),
  restNum: int64Or(0),
  startOffsetInfo: optionalText,
  msgOffsetInfo: optionalText,
  orderCountInfo: optionalText,
});

export const decodePopMessageResponse = responseCodec.decode;
export const encodePopMessageResponse = responseCodec.encode;
