import type { MessageExt } from '@rocknest/protocol';
import type { ConsumeContext, ConsumeOrderlyContext, ListenerRegistration } from '../consumer/consume-types.js';
import { batchOf, receivedMessage } from './attributes.js';
import { failed, type ClientTelemetry, type Operation } from './client-telemetry.js';
import { SpanKind, type Span } from './telemetry-api.js';

const PROCESS: Operation = { name: 'process', type: 'process', kind: SpanKind.CONSUMER };

export interface ConsumeSpansOptions {
  readonly group: string;
  readonly messageModel: string;
}

/** What the span of a handling asks about its end. */
interface Verdict {
  /** Whether the message at an index was handled. Others come again, or are dead letters. */
  isHandled(index: number): boolean;
  /** What the listener says of the others. */
  readonly result: string;
}

/** Of the contexts of both kinds of listeners. */
interface HandlingContext {
  handOver?: ConsumeContext['handOver'];
  readonly directReport?: ConsumeContext['directReport'];
}

function concurrentVerdict(result: unknown, { outcomes, ackIndex }: ConsumeContext): Verdict {
  const succeeded = result === 'CONSUME_SUCCESS';
  return {
    isHandled: (index) =>
      (outcomes?.[index] ?? (succeeded && index <= ackIndex && 'CONSUME_SUCCESS')) === 'CONSUME_SUCCESS',
    result: 'RECONSUME_LATER',
  };
}

function orderlyVerdict(result: unknown, { deadLetters, ackIndex }: ConsumeOrderlyContext): Verdict {
  const succeeded = result === 'SUCCESS' || result === 'COMMIT';
  const rolledBack = result === 'ROLLBACK';
  return {
    isHandled: (index) => !deadLetters.includes(index) && (succeeded || (!rolledBack && index <= ackIndex)),
    result: succeeded ? 'DEAD_LETTER' : rolledBack ? 'ROLLBACK' : 'SUSPEND_CURRENT_QUEUE_A_MOMENT',
  };
}

/** Spans of what a consumer's listener handles, which runs inside of them. */
export class ConsumeSpans {
  constructor(
    private readonly telemetry: ClientTelemetry,
    private readonly options: ConsumeSpansOptions,
  ) {}

  /** The same listener, with a span around each of its calls, or around what it hands over. Consumers without spans keep theirs. */
  registration(registration: ListenerRegistration): ListenerRegistration {
    const { handsOver } = registration;
    if (registration.kind === 'ORDERLY') {
      return { ...registration, listener: this.spanned(registration.listener, orderlyVerdict, handsOver) };
    }
    return { ...registration, listener: this.spanned(registration.listener, concurrentVerdict, handsOver) };
  }

  private spanned<C extends HandlingContext, R>(
    listener: (messages: MessageExt[], context: C) => R | Promise<R>,
    verdictOf: (result: R, context: C) => Verdict,
    handsOver = false,
  ): (messages: MessageExt[], context: C) => R | Promise<R> {
    return (messages, context) => {
      let handling: { readonly span: Span; readonly count: number } | undefined;
      const run = <T>(count: number, handler: () => T): T => {
        const { span, parent } = this.start(messages.slice(0, count));
        handling = { span, count };
        return this.telemetry.within(span, handler, parent);
      };
      const ended = (result: R): R => {
        if (handling) this.end(handling.span, handling.count, verdictOf(result, context), context);
        return result;
      };
      const threw = (error: unknown): never => {
        if (handling) this.telemetry.fail(handling.span, error);
        throw error;
      };
      let result: R | Promise<R>;
      try {
        if (handsOver) context.handOver = run;
        result = handsOver ? listener(messages, context) : run(messages.length, () => listener(messages, context));
      } catch (error) {
        return threw(error);
      }
      return isPromise(result) ? result.then(ended, threw) : ended(result);
    };
  }

  /** One message continues the trace of its sender; a batch begins one of its own. Both have links to what their messages come from. */
  private start(messages: readonly MessageExt[]): { span: Span; parent: ReturnType<ClientTelemetry['contextOf']> } {
    const { telemetry } = this;
    const { group, messageModel } = this.options;
    const [first] = messages;
    const isBatch = messages.length > 1;
    const parent = isBatch ? telemetry.api.ROOT_CONTEXT : telemetry.contextOf(first.properties);
    const attributes = {
      'messaging.consumer.group.name': telemetry.known(group),
      'messaging.rocketmq.consumption_model': messageModel.toLowerCase(),
      ...(isBatch ? batchOf(messages) : receivedMessage(first)),
    };
    const links = messages.flatMap(({ properties }) => telemetry.linksTo(properties));
    return { span: telemetry.start(PROCESS, first.topic, attributes, { parent, links }), parent };
  }

  /** An error where a message was not handled, also when the handler asked for its redelivery. */
  private end(span: Span, count: number, { isHandled, result }: Verdict, { directReport }: HandlingContext): void {
    let unhandled = 0;
    for (let index = 0; index < count; index++) if (!isHandled(index)) unhandled++;
    if (unhandled === 0) {
      span.end();
      return;
    }
    if (count > 1) span.setAttributes({ 'rocknest.batch.failed_count': unhandled });
    if (directReport?.error === undefined) failed(span, result, directReport?.remark ?? result);
    else this.telemetry.fail(span, directReport.error);
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}
