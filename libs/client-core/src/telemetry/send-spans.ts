import { decodeOffsetMsgId } from '@rocknest/protocol';
import type { MessageInput } from '../producer/message-input.js';
import type { SendCallback } from '../producer/send-engine.js';
import type { SendResult } from '../producer/send-result.js';
import { batchOf, sentMessage, server } from './attributes.js';
import type { ClientTelemetry, Operation } from './client-telemetry.js';
import { SpanKind, type Span } from './telemetry-api.js';

const SEND: Operation = { name: 'send', type: 'send', kind: SpanKind.PRODUCER };
/** What consumers see did not come from the span then. */
const SEND_OWN_CONTEXT: Operation = { ...SEND, kind: SpanKind.CLIENT };

export interface SpannedSend {
  readonly message: MessageInput | readonly MessageInput[];
  readonly callback: SendCallback;
}

/** Spans of what a producer sends, one for each send with all its attempts, and their context in the user properties of the messages. */
export class SendSpans {
  constructor(private readonly telemetry: ClientTelemetry) {}

  /** The messages with the context of a new span, which ends with the callback. */
  begin(message: MessageInput | readonly MessageInput[], callback: SendCallback, isTransaction: boolean): SpannedSend {
    const isBatch = Array.isArray(message);
    const all = isBatch ? (message as readonly MessageInput[]) : [message as MessageInput];
    // What is wrong with it is said where it is checked.
    if (!all.every(isMessage) || all.length === 0) return { message, callback };
    const { span, injected } = this.start(all, isBatch, isTransaction);
    return {
      message: isBatch ? injected : injected[0],
      callback: {
        onSuccess: (result) => {
          span.setAttributes(isBatch ? placeOf(result) : { ...placeOf(result), 'messaging.message.id': result.msgId });
          span.end();
          callback.onSuccess(result);
        },
        onException: (error) => {
          this.telemetry.fail(span, error);
          callback.onException(error);
        },
      },
    };
  }

  /** The same around a call. */
  async around<R>(
    messages: readonly MessageInput[],
    isBatch: boolean,
    send: (injected: readonly MessageInput[]) => Promise<R>,
  ): Promise<R> {
    if (!messages.every(isMessage) || messages.length === 0) return send(messages);
    const { span, injected } = this.start(messages, isBatch, false);
    try {
      const result = await send(injected);
      span.end();
      return result;
    } catch (error) {
      this.telemetry.fail(span, error);
      throw error;
    }
  }

  private start(
    messages: readonly MessageInput[],
    isBatch: boolean,
    isTransaction: boolean,
  ): { span: Span; injected: MessageInput[] } {
    const { telemetry } = this;
    const [first] = messages;
    const own = messages.filter(({ properties }) => telemetry.hasOwnContext(properties));
    const span = telemetry.start(
      own.length === messages.length ? SEND_OWN_CONTEXT : SEND,
      first.topic,
      isBatch ? batchOf(messages) : sentMessage(first, isTransaction),
      { links: own.flatMap(({ properties }) => telemetry.linksTo(properties)) },
    );
    const injected = messages.map((message) => {
      const properties = telemetry.injected(message.properties, span);
      return properties === message.properties ? message : { ...message, properties };
    });
    return { span, injected };
  }
}

function isMessage(message: MessageInput | undefined): message is MessageInput {
  const body: unknown = message?.body;
  return typeof message?.topic === 'string' && (typeof body === 'string' || body instanceof Uint8Array);
}

/** Where the broker put it. */
function placeOf({ messageQueue, offsetMsgId, status }: SendResult): Record<string, string | number | undefined> {
  const [id] = offsetMsgId.split(',', 1);
  return {
    'messaging.destination.partition.id': String(messageQueue.queueId),
    // Stored, though not as safely as was asked for.
    'rocknest.send.status': status === 'SEND_OK' ? undefined : status,
    ...(id === '' ? {} : server(decodeOffsetMsgId(id).address)),
  };
}
