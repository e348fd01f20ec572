import type { MessageExt } from '@rocknest/protocol';
import { batchOf, receivedMessage } from './attributes.js';
import type { ClientTelemetry, Operation } from './client-telemetry.js';
import { SpanKind, type Attributes } from './telemetry-api.js';

const RECEIVE: Operation = { name: 'receive', type: 'receive', kind: SpanKind.CLIENT };

/** How a program ends its work on messages that it asked for. */
export type SettleOperation = 'ack' | 'change_invisible_time' | 'send_back';

/** Spans of consumers that are asked for their messages: of what the program got, and of what it settles one by one. */
export class ReceiveSpans {
  constructor(
    private readonly telemetry: ClientTelemetry,
    private readonly group: string,
  ) {}

  /** Messages go to the program, which has waited since `startedMs`. A call that brought none leaves nothing. */
  received(messages: readonly MessageExt[], startedMs = Date.now()): void {
    const [first] = messages;
    if (first === undefined) return;
    const { telemetry } = this;
    const links = messages.flatMap(({ properties }) => telemetry.linksTo(properties));
    const what = messages.length === 1 ? receivedMessage(first) : batchOf(messages);
    const options = { links, startTime: startedMs };
    telemetry.start(RECEIVE, first.topic, { ...this.groupOf(), ...what }, options).end();
  }

  /** The same around a call. */
  async around<T>(topic: string, call: () => Promise<T>, messagesOf: (result: T) => readonly MessageExt[]): Promise<T> {
    const startedMs = Date.now();
    let result: T;
    try {
      result = await call();
    } catch (error) {
      const { telemetry } = this;
      telemetry.fail(telemetry.start(RECEIVE, topic, this.groupOf(), { startTime: startedMs }), error);
      throw error;
    }
    this.received(messagesOf(result), startedMs);
    return result;
  }

  settle<T>(name: SettleOperation, message: MessageExt, call: () => Promise<T>): Promise<T> {
    const { telemetry } = this;
    const operation: Operation = { name, type: 'settle', kind: SpanKind.CLIENT };
    const attributes = { ...this.groupOf(), ...receivedMessage(message) };
    return telemetry.around(
      operation,
      message.topic,
      attributes,
      { links: telemetry.linksTo(message.properties) },
      call,
    );
  }

  private groupOf(): Attributes {
    return { 'messaging.consumer.group.name': this.telemetry.known(this.group) };
  }
}
