import type { ConsumeMessageDirectlyResult, MessageExt, MessageQueue } from '@rocknest/protocol';
import type { ProcessQueue } from './process-queue.js';

/** Hands pulled messages to the listener (RocketMQ: `impl/consumer/ConsumeMessageService.java`): concurrently, or in order. */
export interface ConsumeMessageService {
  /** Handlers that run, with the send-backs that follow them. */
  readonly runningCount: number;
  /** Messages were put into this queue. */
  submit(processQueue: ProcessQueue): void;
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
