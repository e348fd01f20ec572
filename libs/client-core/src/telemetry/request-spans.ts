import { MessageConst, type MessageExt } from '@rocknest/protocol';
import type { ReplyInput } from '../producer/request-reply.js';
import type { ClientTelemetry, Operation } from './client-telemetry.js';
import { SpanKind, type Attributes } from './telemetry-api.js';

/** From the question to its answer; the send of the question is a span inside. */
const REQUEST: Operation = { name: 'request', kind: SpanKind.CLIENT };
const REPLY: Operation = { name: 'reply', type: 'send', kind: SpanKind.PRODUCER };

const conversation = (id: string | undefined): Attributes => ({ 'messaging.message.conversation_id': id });

/** Spans of both sides of request and reply. */
export class RequestSpans {
  constructor(private readonly telemetry: ClientTelemetry) {}

  asked(topic: string, correlationId: string, ask: () => Promise<MessageExt>): Promise<MessageExt> {
    return this.telemetry.around(REQUEST, topic, conversation(correlationId), {}, async (span) => {
      const reply = await ask();
      for (const link of this.telemetry.linksTo(reply.properties)) span.addLink?.(link);
      return reply;
    });
  }

  /** `send` gets the reply with the context of its span. */
  replied(
    { properties }: MessageExt,
    topic: string,
    reply: ReplyInput,
    send: (reply: ReplyInput) => Promise<void>,
  ): Promise<void> {
    const attributes = conversation(properties[MessageConst.CORRELATION_ID]);
    return this.telemetry.around(REPLY, topic, attributes, {}, (span) => {
      const injected = this.telemetry.injected(reply.properties, span);
      return send(injected === undefined ? reply : { ...reply, properties: injected });
    });
  }
}
