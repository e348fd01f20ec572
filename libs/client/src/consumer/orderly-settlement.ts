import type { ConsumeOrderlyContext, MessageExt, OrderlyListenerResult } from '@rocknest/client-core';
import type { LoggerService } from '@nestjs/common';
import { failureProperties } from '../exceptions/failure-reason.js';
import {
  directReport,
  FailureLog,
  placeOf,
  unhandledReport,
  type Failures,
  type GroupSettlement,
  type SettledRoute,
} from './settlement.js';

/** Of orderly handlers: messages are acknowledged, or dead-lettered, or their queue rests and they come again, before anything else of it. */
export class OrderlySettlement implements GroupSettlement<ConsumeOrderlyContext, OrderlyListenerResult> {
  constructor(
    private readonly group: string,
    private readonly logger: Pick<LoggerService, 'debug' | 'warn' | 'error'>,
  ) {}

  handled(messages: readonly MessageExt[], count: number, context: ConsumeOrderlyContext): OrderlyListenerResult {
    if (count >= messages.length) return 'SUCCESS';
    // The rest of a batch belongs to another handler: its turn is at once.
    context.ackIndex = count - 1;
    context.suspendCurrentQueueTimeMillis = 0;
    return 'SUSPEND_CURRENT_QUEUE_A_MOMENT';
  }

  /** The first message of a batch that is to be retried stops it: what follows comes again too, even when it was handled, for the sake of the order. */
  failed(
    route: SettledRoute,
    messages: readonly MessageExt[],
    count: number,
    failures: Failures,
    context: ConsumeOrderlyContext,
  ): OrderlyListenerResult {
    const { policy } = route;
    const log = new FailureLog(this.group, this.logger);
    let stop: { readonly index: number; readonly restMs: number | undefined } | undefined;
    for (const index of [...failures.keys()].sort((a, b) => a - b)) {
      const error = failures.get(index);
      const message = messages[index];
      const verdict = policy.verdictOf(error, message.reconsumeTimes, policy.maxReconsumeTimes ?? Infinity);
      log.add(error, message, verdict);
      if (verdict.kind === 'skip') continue;
      context.directReport ??= directReport(error);
      // What is dead-lettered, here or by the consumer when it came too often, is a copy with these.
      if (policy.storeReason) Object.assign(message.properties, failureProperties(error, message));
      if (verdict.kind === 'retry') {
        stop = { index, restMs: verdict.restMs };
        break;
      }
      context.deadLetters.push(index);
    }
    log.write(route.label, 'its queue rests and it comes again');
    if (stop === undefined) return this.handled(messages, count, context);
    context.ackIndex = stop.index - 1;
    if (stop.restMs !== undefined) context.suspendCurrentQueueTimeMillis = stop.restMs;
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
    context.directReport = unhandledReport(this.group);
    return 'SUCCESS';
  }
}
