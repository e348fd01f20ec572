/** Kinds of messages in a trace, by their numbers (RocketMQ: `common/message/MessageType.java`). */
export const TraceMessageType = { NORMAL: 0, TRANSACTION_HALF: 1, TRANSACTION_COMMIT: 2, DELAY: 3, ORDER: 4 } as const;
export type TraceMessageType = (typeof TraceMessageType)[keyof typeof TraceMessageType];

/** How a call of a listener ended, by its numbers (RocketMQ: `ConsumeReturnType.java`). */
export const ConsumeReturnType = { SUCCESS: 0, TIME_OUT: 1, EXCEPTION: 2, RETURN_NULL: 3, FAILED: 4 } as const;
export type ConsumeReturnType = (typeof ConsumeReturnType)[keyof typeof ConsumeReturnType];

/** Of whom a trace record speaks. Times are ms since 1970. */
interface TraceOrigin {
  timestampMs: number;
  /** `MSG_REGION`: the broker's `regionId`. */
  regionId: string;
  groupName: string;
}

/** A message was sent. Texts that a message does not have are undefined; on the wire they are `null`. */
export interface PubTrace extends TraceOrigin {
  traceType: 'Pub';
  topic: string;
  /** Of a batch those of its messages, joined by commas. */
  msgId: string;
  tags: string | undefined;
  keys: string | undefined;
  /** `host:port` of the broker. */
  storeHost: string | undefined;
  bodyLength: number;
  costTimeMs: number;
  messageType: TraceMessageType;
  offsetMsgId: string | undefined;
  success: boolean;
}

/** A message that a listener got. */
export interface TracedDelivery {
  msgId: string;
  keys: string | undefined;
  /** Deliveries before this one; known to SubBefore only. */
  retryTimes?: number;
  /** Not on the wire. */
  topic?: string;
}

/** A listener is called. One record for each message; decoded contexts have one. */
export interface SubBeforeTrace extends TraceOrigin {
  traceType: 'SubBefore';
  /** Joins this record and its SubAfter. */
  requestId: string;
  messages: TracedDelivery[];
}

/** A listener has ended. */
export interface SubAfterTrace {
  traceType: 'SubAfter';
  requestId: string;
  messages: TracedDelivery[];
  /** ms for each message of the call. */
  costTimeMs: number;
  success: boolean;
  contextCode: ConsumeReturnType;
  /** Both are missing in records of the access channel CLOUD, and of old clients. */
  timestampMs: number | undefined;
  groupName: string | undefined;
  /** Not on the wire. */
  regionId?: string;
}

/** A transaction was ended by its producer, or by the answer to a check. */
export interface EndTransactionTrace extends TraceOrigin {
  traceType: 'EndTransaction';
  topic: string;
  msgId: string;
  tags: string | undefined;
  keys: string | undefined;
  storeHost: string | undefined;
  messageType: TraceMessageType;
  transactionId: string | undefined;
  transactionState: 'COMMIT_MESSAGE' | 'ROLLBACK_MESSAGE' | 'UNKNOW';
  fromTransactionCheck: boolean;
}

/** A timer message was recalled (5.4 and later). */
export interface RecallTrace extends TraceOrigin {
  traceType: 'Recall';
  topic: string;
  msgId: string;
  success: boolean;
}

/** One entry of a message trace (RocketMQ: `client/trace/TraceContext.java`, `TraceBean.java`). */
export type TraceContext = PubTrace | SubBeforeTrace | SubAfterTrace | EndTransactionTrace | RecallTrace;
