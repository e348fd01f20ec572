import type { ConsumeContext, ConsumeResult, ListenerResult, MessageExt } from '@rocknest/client-core';
import type { LoggerService } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { MAX_LOGGED_ERROR_LENGTH } from '../defaults.js';

const TEXT_OF_MASKED = 'Internal server error';

/** The text of anything that a handler failed with; Nest hands on plain objects in place of most exceptions. */
export function failureText(error: unknown): string {
  let text: string;
  if (error instanceof Error) text = `${error.name}: ${error.message}`;
  else if (typeof error === 'object' && error !== null) {
    const { message } = error as { message?: unknown };
    if (message === TEXT_OF_MASKED)
      text = 'an exception that Nest keeps to itself and has logged (RpcExceptionsHandler)';
    else text = typeof message === 'string' ? message : JSON.stringify(error);
  } else text = String(error);
  return text.length > MAX_LOGGED_ERROR_LENGTH ? `${text.slice(0, MAX_LOGGED_ERROR_LENGTH)}...` : text;
}

export function placeOf(message: MessageExt): string {
  const tag = message.properties['TAGS'];
  return `${message.msgId} (topic ${message.topic}${tag ? `, tag ${tag}` : ''}, queue ${message.brokerName ?? '?'}:${message.queueId}, offset ${message.queueOffset}, delivery ${message.reconsumeTimes + 1})`;
}

/** What becomes of messages when their handler has ended, as the kind of consumption knows it: `C` is its context, `R` its result. */
export interface GroupSettlement<C, R> {
  /** The handler finished with the first `count` of the messages. */
  handled(messages: readonly MessageExt[], count: number, context: C): R;
  /** The handler failed on these messages. */
  failed(label: string, messages: readonly MessageExt[], error: unknown, context: C): R;
  /** The handler never began, because the intake stopped. */
  notBegun(): R;
  /** Nobody here handles the message, though the group subscribed to it once. */
  unhandled(message: MessageExt, context: C): R;
}

/** Of concurrent handlers: messages are acknowledged, or sent back to come again. */
export class Settlement implements GroupSettlement<ConsumeContext, ListenerResult> {
  constructor(
    private readonly group: string,
    private readonly logger: Pick<LoggerService, 'warn' | 'error'>,
  ) {}

  /** The handler finished with the first `count` of the messages; the others go back unhandled. */
  handled(messages: readonly MessageExt[], count: number, context: ConsumeContext): ConsumeResult {
    if (count < messages.length) context.ackIndex = count - 1;
    return 'CONSUME_SUCCESS';
  }

  /** The handler failed: everything that it got comes again. */
  failed(label: string, messages: readonly MessageExt[], error: unknown): ConsumeResult {
    const what = messages.length === 1 ? 'message' : `batch of ${messages.length} messages from`;
    const text = `${label} failed on ${what} ${placeOf(messages[0])} of group ${this.group}, it comes again: ${failureText(error)}`;
    // An RpcException is thrown on purpose; the stack of any other one has not been seen anywhere yet.
    if (error instanceof Error && !(error instanceof RpcException)) this.logger.error(text, error.stack);
    else this.logger.warn(text);
    return 'RECONSUME_LATER';
  }

  /** The handler never began, because the intake stopped: neither acknowledged nor sent back, another member of the group gets it. */
  notBegun(): ListenerResult {
    return 'NOT_CONSUMED';
  }

  /** Nobody here handles it, though the group subscribed to it once: it goes back rather than being lost. */
  unhandled(message: MessageExt): ConsumeResult {
    this.logger.error(
      `no handler of group ${this.group} takes message ${placeOf(message)}, it comes again and rests in %DLQ%${this.group} in the end. ` +
        'Was a handler removed, or its tags changed, while messages were waiting for another delivery?',
    );
    return 'RECONSUME_LATER';
  }
}
