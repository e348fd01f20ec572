import type { ConsumeContext, DirectReport, ListenerResult, MessageExt, MessageOutcome } from '@rocknest/client-core';
import type { LoggerService } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { MAX_LOGGED_ERROR_LENGTH, MAX_RECONSUME_TIMES } from '../defaults.js';
import type { FailurePolicy, Verdict } from '../exceptions/failure-policy.js';
import { failureProperties } from '../exceptions/failure-reason.js';
import { RetryLater, Skip, SuspendQueue } from '../exceptions/outcome-exceptions.js';

const TEXT_OF_MASKED = 'Internal server error';

/** The text of anything that a handler failed with; Nest hands on plain objects in place of some exceptions. */
function failureText(error: unknown): string {
  let text: string;
  if (error instanceof Error) text = `${error.name}: ${error.message}`;
  else if (typeof error === 'object' && error !== null) {
    const { message } = error as { message?: unknown };
    if (message === TEXT_OF_MASKED)
      text =
        'an exception that Nest keeps to itself and has logged (RpcExceptionsHandler): are there two copies of @nestjs/microservices? @UseFilters(RocketMQExceptionFilter) lets it through';
    else text = typeof message === 'string' ? message : JSON.stringify(error);
  } else text = String(error);
  return text.length > MAX_LOGGED_ERROR_LENGTH ? `${text.slice(0, MAX_LOGGED_ERROR_LENGTH)}...` : text;
}

/** What an administrator is told who has one message handled here: later on purpose, or failed, with what text. */
export function directReport(error: unknown): DirectReport {
  const later = error instanceof RetryLater || error instanceof SuspendQueue;
  return { consumeResult: later ? 'CR_LATER' : 'CR_THROW_EXCEPTION', remark: failureText(error), error };
}

/** The same for a message that no handler takes. */
export function unhandledReport(group: string): DirectReport {
  return { consumeResult: 'CR_THROW_EXCEPTION', remark: `no handler of group ${group} takes this message` };
}

export function placeOf(message: MessageExt): string {
  const tag = message.properties['TAGS'];
  return `${message.msgId} (topic ${message.topic}${tag ? `, tag ${tag}` : ''}, queue ${message.brokerName ?? '?'}:${message.queueId}, offset ${message.queueOffset}, delivery ${message.reconsumeTimes + 1})`;
}

/** By the index of a message in its call: what it failed with. */
export type Failures = ReadonlyMap<number, unknown>;

/** What a settlement must know of a handler. */
export interface SettledRoute {
  readonly label: string;
  readonly policy: FailurePolicy;
}

/** What becomes of messages when their handler has ended, as the kind of consumption knows it: `C` is its context, `R` its result. */
export interface GroupSettlement<C, R> {
  /** The handler finished with the first `count` of the messages. */
  handled(messages: readonly MessageExt[], count: number, context: C): R;
  /** The handler had the first `count` of the messages and failed on these. */
  failed(route: SettledRoute, messages: readonly MessageExt[], count: number, failures: Failures, context: C): R;
  /** The handler never began, because the intake stopped. */
  notBegun(): R;
  /** Nobody here handles the message, though the group subscribed to it once. */
  unhandled(message: MessageExt, context: C): R;
}

type FailureLogger = Pick<LoggerService, 'debug' | 'warn' | 'error'>;

/** Writes failures to the log, one line for each error however many messages of a batch it hit. */
export class FailureLog {
  private readonly told = new Map<unknown, { first: MessageExt; count: number; verdict: Verdict }>();

  constructor(
    private readonly group: string,
    private readonly logger: FailureLogger,
  ) {}

  add(error: unknown, message: MessageExt, verdict: Verdict): void {
    const known = this.told.get(error);
    if (known) known.count++;
    else this.told.set(error, { first: message, count: 1, verdict });
  }

  /** @param again what it means for this kind of consumption that a message is retried. */
  write(label: string, again: string): void {
    for (const [error, { first, count, verdict }] of this.told) {
      const what = count === 1 ? 'message' : `${count} messages of a batch, the first is`;
      const end =
        verdict.kind === 'retry' ? again : verdict.kind === 'dlq' ? `it goes to %DLQ%${this.group}` : 'it is skipped';
      const text = `${label} failed on ${what} ${placeOf(first)} of group ${this.group}, ${end}: ${failureText(error)}`;
      // An RpcException is thrown on purpose; the stack of any other one has not been seen anywhere yet.
      if (error instanceof Skip) this.logger.debug?.(text);
      else if (error instanceof Error && !(error instanceof RpcException)) this.logger.error(text, error.stack);
      else this.logger.warn(text);
    }
  }
}

/** Of concurrent handlers: messages are acknowledged, or sent back to come again, or dead-lettered, each by itself. */
export class Settlement implements GroupSettlement<ConsumeContext, ListenerResult> {
  constructor(
    private readonly group: string,
    private readonly logger: FailureLogger,
    /** Redeliveries that the group allows; handlers may have their own. */
    private readonly maxReconsumeTimes: number = MAX_RECONSUME_TIMES,
  ) {}

  /** The handler finished with the first `count` of the messages; the others go back unhandled. */
  handled(messages: readonly MessageExt[], count: number, context: ConsumeContext): ListenerResult {
    if (count < messages.length) context.ackIndex = count - 1;
    return 'CONSUME_SUCCESS';
  }

  failed(
    route: SettledRoute,
    messages: readonly MessageExt[],
    count: number,
    failures: Failures,
    context: ConsumeContext,
  ): ListenerResult {
    const { policy } = route;
    const log = new FailureLog(this.group, this.logger);
    const outcomes: (MessageOutcome | undefined)[] = [];
    let back = 0;
    for (const [index, error] of failures) {
      const message = messages[index];
      const verdict = policy.verdictOf(
        error,
        message.reconsumeTimes,
        policy.maxReconsumeTimes ?? this.maxReconsumeTimes,
      );
      log.add(error, message, verdict);
      if (verdict.kind === 'skip') {
        outcomes[index] = 'CONSUME_SUCCESS';
        continue;
      }
      back++;
      context.directReport ??= directReport(error);
      outcomes[index] = {
        delayLevel: verdict.kind === 'dlq' ? -1 : verdict.delayLevel,
        properties: policy.storeReason ? failureProperties(error, message) : undefined,
      };
    }
    log.write(route.label, 'it comes again');
    if (back > 0) context.outcomes = outcomes;
    return back === messages.length ? 'RECONSUME_LATER' : this.handled(messages, count, context);
  }

  /** The handler never began, because the intake stopped: neither acknowledged nor sent back, another member of the group gets it. */
  notBegun(): ListenerResult {
    return 'NOT_CONSUMED';
  }

  /** Nobody here handles it, though the group subscribed to it once: it goes back rather than being lost. */
  unhandled(message: MessageExt, context: ConsumeContext): ListenerResult {
    context.directReport = unhandledReport(this.group);
    this.logger.error(
      `no handler of group ${this.group} takes message ${placeOf(message)}, it comes again and rests in %DLQ%${this.group} in the end. ` +
        'Was a handler removed, or its tags changed, while messages were waiting for another delivery?',
    );
    return 'RECONSUME_LATER';
  }
}
