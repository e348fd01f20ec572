import type { DirectConsumeResult, MessageExt, MessageQueue } from '@rocknest/protocol';

/**
 * What a listener says of the messages it was given (RocketMQ: `ConsumeConcurrentlyStatus`). Plain strings do too, except that TypeScript infers
 * Promise<string> for an async function that always returns the same one: `ConsumeResult.CONSUME_SUCCESS` keeps its type there.
 */
export const ConsumeResult = { CONSUME_SUCCESS: 'CONSUME_SUCCESS', RECONSUME_LATER: 'RECONSUME_LATER' } as const;
export type ConsumeResult = (typeof ConsumeResult)[keyof typeof ConsumeResult];

/**
 * Beside those, for a listener that has its own gate: it did not begin with these messages. They are neither acknowledged nor sent back;
 * a consumer that goes on hands them out again after a while, a stopped one leaves them to the group's next run.
 */
export type ListenerResult = ConsumeResult | 'NOT_CONSUMED';

/**
 * What becomes of one message of a call: it was handled, or it comes again. `delayLevel` is as `delayLevelWhenNextConsume`; `properties` (why it
 * failed, say) are stored with the message when it is retried or dead-lettered, as far as they fit.
 */
export type MessageOutcome =
  | typeof ConsumeResult.CONSUME_SUCCESS
  | { readonly delayLevel: number; readonly properties?: Readonly<Record<string, string>> | undefined };

/**
 * What a listener that handles failures itself says to an administrator who has a member handle one message (CONSUME_MESSAGE_DIRECTLY): a throw
 * would have said it. Without a meaning for messages that were consumed in the usual way.
 */
export interface DirectReport {
  readonly consumeResult: Extract<DirectConsumeResult, 'CR_LATER' | 'CR_THROW_EXCEPTION'>;
  readonly remark: string;
  /** What the handler threw; the span of the handling tells it. */
  readonly error?: unknown;
}

/**
 * Given to a listener that `handsOver`, where spans are made of its calls: runs `handle`, which gets the first `count` of the messages, inside of the span of
 * their handling. What is not handed over has no span.
 */
export type HandOver = <T>(count: number, handle: () => T) => T;

/** What a listener may look at and set beside its result (RocketMQ: `ConsumeConcurrentlyContext`). */
export interface ConsumeContext {
  readonly messageQueue: MessageQueue;
  /** For RECONSUME_LATER: 0 = the broker paces it (10 s, 30 s, 1 min, ...), 1 to 18 = that delay level, -1 = dead letter queue at once. */
  delayLevelWhenNextConsume: number;
  /** With CONSUME_SUCCESS for a batch: index of the last message that was handled; those after it come again. Default: all were. */
  ackIndex: number;
  /** By the index of a message: what becomes of it, where that differs from what the result and the two above say. */
  outcomes?: readonly (MessageOutcome | undefined)[] | undefined;
  directReport?: DirectReport | undefined;
  handOver?: HandOver | undefined;
}

/**
 * Handles messages. A throw, a rejection, or any other return value than CONSUME_SUCCESS means RECONSUME_LATER: nothing is ever
 * acknowledged that a listener did not finish.
 */
export type MessageListener = (
  messages: MessageExt[],
  context: ConsumeContext,
) => ListenerResult | Promise<ListenerResult>;

/**
 * What an orderly listener says (RocketMQ: `ConsumeOrderlyStatus`). COMMIT and ROLLBACK are for `autoCommit = false`: then SUCCESS
 * only goes on to the next messages, COMMIT commits everything that was handed out since the last commit, and ROLLBACK hands it out again.
 */
export const ConsumeOrderlyResult = {
  SUCCESS: 'SUCCESS',
  SUSPEND_CURRENT_QUEUE_A_MOMENT: 'SUSPEND_CURRENT_QUEUE_A_MOMENT',
  COMMIT: 'COMMIT',
  ROLLBACK: 'ROLLBACK',
} as const;
export type ConsumeOrderlyResult = (typeof ConsumeOrderlyResult)[keyof typeof ConsumeOrderlyResult];

/** With NOT_CONSUMED as for `ListenerResult`: the listener did not begin, and no delivery is counted. */
export type OrderlyListenerResult = ConsumeOrderlyResult | 'NOT_CONSUMED';

/** What an orderly listener may look at and set (RocketMQ: `ConsumeOrderlyContext`). */
export interface ConsumeOrderlyContext {
  readonly messageQueue: MessageQueue;
  /** True: SUCCESS commits. False: only COMMIT does. */
  autoCommit: boolean;
  /**
   * ms until the queue goes on after SUSPEND_CURRENT_QUEUE_A_MOMENT or ROLLBACK, taken into 10 to 30,000; -1 (default) means the consumer's
   * `suspendCurrentQueueTimeMillis`.
   */
  suspendCurrentQueueTimeMillis: number;
  /** With SUSPEND_CURRENT_QUEUE_A_MOMENT for a batch: index of the last message that was handled; those after it come again. Default: -1, all do. */
  ackIndex: number;
  /** Indexes of messages of this batch that go to the dead letter queue, so that the queue goes on without them. Overrules the result. */
  deadLetters: number[];
  directReport?: DirectReport | undefined;
  handOver?: HandOver | undefined;
}

/**
 * Handles the messages of a queue one call after the other. A throw, a rejection, or any other return value than those above means
 * SUSPEND_CURRENT_QUEUE_A_MOMENT: the same messages come again, and nothing of the queue comes before them.
 */
export type MessageListenerOrderly = (
  messages: MessageExt[],
  context: ConsumeOrderlyContext,
) => OrderlyListenerResult | Promise<OrderlyListenerResult>;

/** What a consumer should know of its listener. */
export interface ListenerTraits {
  /** True: it hands its messages over to one of several handlers, perhaps after a wait, and runs that handler by `context.handOver` where there is one. */
  readonly handsOver?: boolean | undefined;
}

/** The listener of a consumer with the way in which it is called. */
export type ListenerRegistration = ListenerTraits &
  (
    | { readonly kind: 'CONCURRENTLY'; readonly listener: MessageListener }
    | { readonly kind: 'ORDERLY'; readonly listener: MessageListenerOrderly }
  );
