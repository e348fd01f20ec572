import type { ConsumeMessageDirectlyResult, MessageExt, MessageQueue } from '@rocknest/protocol';
import type { HeldMessage } from './process-queue.js';
import type { ConsumeQueueRef } from './queue-ref.js';

/**
 * The messages of one queue as a consume service sees them, whatever brought them: pulls (`ProcessQueue`) or pops, which acknowledge each
 * message by itself. A message that is not to be acknowledged is given back before it is settled.
 */
export interface HeldQueue {
  readonly queue: ConsumeQueueRef;
  /** True once what its handlers return does not count any more. */
  readonly dropped: boolean;
  /** True while none of its messages is to be handed out. */
  readonly paused: boolean;
  /** Messages that wait to be handed out. */
  readonly waitingCount: number;
  /** ms of the last hand-out to the listener. */
  lastConsumeMs: number;
  /** Hands out up to `max` messages, the oldest first. */
  take(max: number): HeldMessage[];
  /** False once a message was settled: a handler that ran over its time ends after that. */
  holds(entry: HeldMessage): boolean;
  /** Removes messages whose handling has an end; those that are not held (any more) are left out. Returns the offset that may be committed. */
  settle(batch: readonly HeldMessage[]): number;
}

/** What is said of a direct consumption that a listener with a gate of its own did not begin. */
export const NOT_BEGUN = 'the listener did not begin with the message: it takes no more, or is busy';

/** Hands pulled messages to the listener (RocketMQ: `impl/consumer/ConsumeMessageService.java`): concurrently, or in order. */
export interface ConsumeMessageService {
  /** Handlers that run, with the send-backs that follow them. */
  readonly runningCount: number;
  /** Messages were put into this queue. */
  submit(processQueue: HeldQueue): void;
  /** No handler begins until `resume`. */
  suspend(): void;
  resume(): void;
  /** No handler begins any more, for good. */
  stop(): void;
  /** Resolves with true when nothing runs any more, with false when `timeoutMs` have passed before. */
  idle(timeoutMs: number): Promise<boolean>;
  /** The listener on one message, outside of queues and offsets. */
  consumeDirectly(message: MessageExt, queue: MessageQueue): Promise<ConsumeMessageDirectlyResult>;
}
