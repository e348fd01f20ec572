import { errorText } from '../errors.js';
import type { ClientLogger, LogLimiter } from '../logger.js';
import type { MessageExt } from '@rocknest/protocol';
import type { ConsumeStats } from './consume-stats.js';
import type { ConsumeOrderlyContext } from './consume-types.js';
import type { HeldMessage, ProcessQueue } from './process-queue.js';

/** A call of the listener that has ended. */
export interface OrderlyCall {
  readonly processQueue: ProcessQueue;
  readonly entries: readonly HeldMessage[];
  readonly context: ConsumeOrderlyContext;
  readonly result: unknown;
  readonly startedMs: number;
}

export interface OrderlyOutcomeParts {
  group: string;
  /** Redeliveries of a message before it goes to the dead letter queue; -1: it comes again until it is handled. */
  maxReconsumeTimes: number;
  /** Puts a message into the dead letter queue. Rejects when that failed. */
  sendToDeadLetters(message: MessageExt): Promise<void>;
  /** Messages were settled; `offset` may be committed. */
  onSettled(processQueue: ProcessQueue, offset: number): void;
  stats: ConsumeStats;
  logger: ClientLogger;
  troubles: LogLimiter;
}

type Verdict = 'SUCCESS' | 'COMMIT' | 'SUSPEND' | 'ROLLBACK' | 'NOT_CONSUMED';
/** What becomes of a message: handled, to the dead letter queue, or handed out again. */
type Fate = 'DONE' | 'DEAD' | 'AGAIN';

/** ms for which the queue rests, -1 for the consumer's default, or undefined when it goes on at once. */
export type QueueRest = number | undefined;

/**
 * Settles a call of an orderly listener (RocketMQ: `ConsumeMessageOrderlyService.processConsumeResult`). The answer is a promise only when
 * messages go to the dead letter queue.
 */
export function settleOrderly(call: OrderlyCall, parts: OrderlyOutcomeParts): QueueRest | Promise<QueueRest> {
  const { processQueue, entries, context } = call;
  if (processQueue.ignoresResults) {
    processQueue.settle(entries);
    return undefined;
  }
  const verdict = verdictOf(call.result, context, parts);
  const fates = entries.map((entry, index): Fate => {
    if (context.deadLetters.includes(index)) return 'DEAD';
    if (verdict === 'SUCCESS' || verdict === 'COMMIT') return 'DONE';
    if (verdict !== 'SUSPEND') return 'AGAIN';
    if (index <= context.ackIndex) return 'DONE';
    const { maxReconsumeTimes } = parts;
    return maxReconsumeTimes >= 0 && entry.message.reconsumeTimes >= maxReconsumeTimes ? 'DEAD' : 'AGAIN';
  });
  if (verdict !== 'NOT_CONSUMED') {
    const done = fates.filter((fate) => fate === 'DONE').length;
    parts.stats.consumed(processQueue.queue.topic, done, fates.length - done, Date.now() - call.startedMs);
  }
  if (!fates.includes('DEAD')) return apply(verdict, fates, call, parts);
  return sendDeadLetters(fates, entries, parts).then(() => {
    if (!processQueue.ignoresResults) return apply(verdict, fates, call, parts);
    processQueue.settle(entries);
    return undefined;
  });
}

function verdictOf(result: unknown, context: ConsumeOrderlyContext, parts: OrderlyOutcomeParts): Verdict {
  if (result === 'SUCCESS' || result === 'NOT_CONSUMED') return result;
  if (result === 'SUSPEND_CURRENT_QUEUE_A_MOMENT') return 'SUSPEND';
  if ((result === 'COMMIT' || result === 'ROLLBACK') && !context.autoCommit) return result;
  const verdict = result === 'COMMIT' ? 'SUCCESS' : 'SUSPEND';
  if (parts.troubles.allows('result')) {
    parts.logger.warn(
      `orderly listener of group ${parts.group} returned ${String(result)}${context.autoCommit ? ' with autoCommit' : ''}, taken as ` +
        `${verdict}; return SUCCESS or SUSPEND_CURRENT_QUEUE_A_MOMENT (COMMIT and ROLLBACK are for autoCommit = false)`,
    );
  }
  return verdict;
}

/**
 * Sends dead letters, in order. After one that can't be sent everything from it on comes again: what follows it may not stay handled when
 * it is handled once more.
 */
async function sendDeadLetters(
  fates: Fate[],
  entries: readonly HeldMessage[],
  parts: OrderlyOutcomeParts,
): Promise<void> {
  for (const [index, { message }] of entries.entries()) {
    if (fates[index] !== 'DEAD') continue;
    try {
      await parts.sendToDeadLetters(message);
    } catch (error) {
      fates.fill('AGAIN', index);
      if (parts.troubles.allows('dead letter')) {
        parts.logger.warn(
          `message ${message.msgId} of group ${parts.group} could not be sent to the dead letter queue (${errorText(error)}); ` +
            'its queue rests, and it comes again',
        );
      }
      return;
    }
  }
}

function apply(
  verdict: Verdict,
  fates: readonly Fate[],
  { processQueue, entries, context }: OrderlyCall,
  parts: OrderlyOutcomeParts,
): QueueRest {
  const firstAgain = fates.indexOf('AGAIN');
  // With manual commits what is done stays held until COMMIT, so that ROLLBACK can bring it again; a dead letter is gone at once.
  const gone =
    verdict === 'COMMIT' && firstAgain < 0
      ? processQueue.handedOut()
      : entries.filter((_, index) => fates[index] === 'DEAD' || (fates[index] === 'DONE' && context.autoCommit));
  if (gone.length > 0) parts.onSettled(processQueue, processQueue.settle(gone));
  if (firstAgain < 0) return undefined;
  if (verdict !== 'NOT_CONSUMED') {
    for (const [index, { message }] of entries.entries()) if (fates[index] === 'AGAIN') message.reconsumeTimes++;
  }
  if (verdict === 'ROLLBACK') processQueue.rollback();
  else processQueue.putBack(entries.slice(firstAgain));
  // The listener was not called, and what kept it from it is gone now.
  if (verdict === 'NOT_CONSUMED' && fates.includes('DEAD')) return undefined;
  return context.suspendCurrentQueueTimeMillis;
}
