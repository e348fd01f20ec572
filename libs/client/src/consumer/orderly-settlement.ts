import type { ConsumeOrderlyContext, MessageExt, OrderlyListenerResult } from '@rocknest/client-core';
import type { LoggerService } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { failureText, placeOf, type GroupSettlement } from './settlement.js';

/** Of orderly handlers: messages are acknowledged, or their queue rests and they come again, before anything else of it. */
export class OrderlySettlement implements GroupSettlement<ConsumeOrderlyContext, OrderlyListenerResult> {
  constructor(
    private readonly group: string,
    private readonly logger: Pick<LoggerService, 'warn' | 'error'>,
  ) {}

  handled(messages: readonly MessageExt[], count: number, context: ConsumeOrderlyContext): OrderlyListenerResult {
    if (count >= messages.length) return 'SUCCESS';
    // The rest of a batch belongs to another handler: its turn is at once.
    context.ackIndex = count - 1;
    context.suspendCurrentQueueTimeMillis = 0;
    return 'SUSPEND_CURRENT_QUEUE_A_MOMENT';
  }

  failed(label: string, messages: readonly MessageExt[], error: unknown): OrderlyListenerResult {
    const what = messages.length === 1 ? 'message' : `batch of ${messages.length} messages from`;
    const text = `${label} failed on ${what} ${placeOf(messages[0])} of group ${this.group}, its queue rests and it comes again: ${failureText(error)}`;
    // An RpcException is thrown on purpose; the stack of any other one has not been seen anywhere yet.
    if (error instanceof Error && !(error instanceof RpcException)) this.logger.error(text, error.stack);
    else this.logger.warn(text);
    return 'SUSPEND_CURRENT_QUEUE_A_MOMENT';
  }

  notBegun(): OrderlyListenerResult {
    return 'NOT_CONSUMED';
  }

  /** It would keep its queue waiting for ever: it goes to the dead letters, where it is not lost. */
  unhandled(message: MessageExt, context: ConsumeOrderlyContext): OrderlyListenerResult {
    this.logger.error(
      `no handler of group ${this.group} takes message ${placeOf(message)}, it goes to %DLQ%${this.group} so that its queue can go on. ` +
        'Was a handler removed, or its tags changed, while messages were waiting?',
    );
    context.deadLetters = [0];
    return 'SUCCESS';
  }
}
