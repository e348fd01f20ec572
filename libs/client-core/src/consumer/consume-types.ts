import type { MessageExt, MessageQueue } from '@rocknest/protocol';

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

/** What a listener may look at and set beside its result (RocketMQ: `ConsumeConcurrentlyContext`). */
export interface ConsumeContext {
  readonly messageQueue: MessageQueue;
  /** For RECONSUME_LATER: 0 = the broker paces it (10 s, 30 s, 1 min, ...), 1 to 18 = that delay level, -1 = dead letter queue at once. */
  delayLevelWhenNextConsume: number;
  /** With CONSUME_SUCCESS for a batch: index of the last message that was handled; those after it come again. Default: all were. */
  ackIndex: number;
}

/**
 * Handles messages. A throw, a rejection, or any other return value than CONSUME_SUCCESS means RECONSUME_LATER: nothing is ever
 * acknowledged that a listener did not finish.
 */
export type MessageListener = (
  messages: MessageExt[],
  context: ConsumeContext,
) => ListenerResult | Promise<ListenerResult>;

/** The listener of a consumer with the way in which it is called. */
export type ListenerRegistration = { readonly kind: 'CONCURRENTLY'; readonly listener: MessageListener };
