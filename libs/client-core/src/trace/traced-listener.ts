import { ConsumeReturnType } from '@rocknest/protocol';
import type {
  ConsumeContext,
  ConsumeOrderlyContext,
  ListenerRegistration,
  MessageListener,
  MessageListenerOrderly,
} from '../consumer/consume-types.js';
import type { ConsumeTrace } from './consume-trace.js';

const { SUCCESS, EXCEPTION, RETURN_NULL, FAILED } = ConsumeReturnType;
type CodeOf = (index: number) => ConsumeReturnType;

function concurrentCode(result: unknown, context: ConsumeContext): CodeOf {
  if (result === undefined || result === null) return () => RETURN_NULL;
  const succeeded = result === 'CONSUME_SUCCESS';
  return (index) => {
    const outcome = context.outcomes?.[index];
    const handled = outcome === undefined ? succeeded && index <= context.ackIndex : outcome === 'CONSUME_SUCCESS';
    return handled ? SUCCESS : FAILED;
  };
}

function orderlyCode(result: unknown, context: ConsumeOrderlyContext): CodeOf {
  if (result === undefined || result === null) return () => RETURN_NULL;
  const succeeded = result === 'SUCCESS' || result === 'COMMIT';
  const suspended = result === 'SUSPEND_CURRENT_QUEUE_A_MOMENT';
  return (index) =>
    !context.deadLetters.includes(index) && (succeeded || (suspended && index <= context.ackIndex)) ? SUCCESS : FAILED;
}

function traced<M extends readonly unknown[], C, R>(
  listener: (messages: M, context: C) => R | Promise<R>,
  trace: { begin(messages: M): unknown; end(call: never, codeOf: CodeOf): void },
  codeOf: (result: R, context: C) => CodeOf,
): (messages: M, context: C) => R | Promise<R> {
  return (messages, context) => {
    const call = trace.begin(messages) as never;
    const ended = (result: R): R => {
      trace.end(call, codeOf(result, context));
      return result;
    };
    const failed = (error: unknown): never => {
      trace.end(call, () => EXCEPTION);
      throw error;
    };
    let result: R | Promise<R>;
    try {
      result = listener(messages, context);
    } catch (error) {
      return failed(error);
    }
    return result instanceof Promise ? result.then(ended, failed) : ended(result);
  };
}

/** The same listener, with its calls in the trace. Consumers that trace nothing keep theirs: what is off costs nothing. */
export function tracedRegistration(registration: ListenerRegistration, trace: ConsumeTrace): ListenerRegistration {
  if (registration.kind === 'ORDERLY') {
    const listener: MessageListenerOrderly = traced(registration.listener, trace, orderlyCode);
    return { ...registration, listener };
  }
  const listener: MessageListener = traced(registration.listener, trace, concurrentCode);
  return { ...registration, listener };
}
