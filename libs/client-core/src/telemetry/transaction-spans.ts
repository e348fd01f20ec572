import type { MessageExt } from '@rocknest/protocol';
import type { LocalTransactionState } from '../producer/transaction-types.js';
import { receivedMessage } from './attributes.js';
import type { ClientTelemetry, Operation } from './client-telemetry.js';
import { SpanKind } from './telemetry-api.js';

const CHECK: Operation = { name: 'check', type: 'process', kind: SpanKind.CONSUMER };
const ENDS: Readonly<Record<LocalTransactionState, string>> = {
  COMMIT_MESSAGE: 'commit',
  ROLLBACK_MESSAGE: 'rollback',
  UNKNOWN: 'postpone',
};

/** Spans of how transactions end, and of what brokers ask about them. The send of the half message has its own. */
export class TransactionSpans {
  constructor(private readonly telemetry: ClientTelemetry) {}

  /** @param checked the half message, when a broker asked about it: the span belongs to the trace of its sender then. */
  ended<T>(
    state: LocalTransactionState,
    topic: string,
    msgId: string,
    checked: MessageExt | undefined,
    send: () => Promise<T>,
  ): Promise<T> {
    const operation: Operation = { name: ENDS[state], type: 'settle', kind: SpanKind.CLIENT };
    const attributes = { 'messaging.message.id': msgId, 'messaging.rocketmq.message.type': 'transaction' };
    return this.telemetry.around(operation, topic, attributes, { parent: this.parentOf(checked) }, send);
  }

  /** The listener that says how a transaction stands runs inside of a span of its sender's trace. */
  checked<T>(message: MessageExt, check: () => Promise<T>): Promise<T> {
    const { telemetry } = this;
    const options = { parent: this.parentOf(message), links: telemetry.linksTo(message.properties) };
    const attributes = { ...receivedMessage(message), 'messaging.rocketmq.message.type': 'transaction' };
    return telemetry.around(CHECK, message.topic, attributes, options, check);
  }

  private parentOf(message: MessageExt | undefined) {
    return message && this.telemetry.contextOf(message.properties);
  }
}
