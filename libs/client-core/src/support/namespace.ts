import { withoutNamespace, wrapNamespace, type MessageExt, type MessageQueue } from '@rocknest/protocol';
import type { ListenerRegistration } from '../consumer/consume-types.js';
import type { MessageInput } from '../producer/message-input.js';
import type { SendOptions } from '../producer/message-sender.js';
import type { SendResult } from '../producer/send-result.js';
import type { SendCallback } from '../producer/send-task.js';
import type { TransactionListener } from '../producer/transaction-types.js';
import { invalidArgument } from './check.js';

/** More than any topic name leaves room for. */
const MAX_NAMESPACE_CHARACTERS = 64;

/**
 * Puts the names of a client's topics and groups into its namespace on the way to the brokers, and takes them out of it on the way back
 * (RocketMQ: `ClientConfig.withNamespace`). Clients without one have none of these.
 */
export class ClientNamespace {
  private constructor(private readonly name: string) {}

  /** @throws MQClientError INVALID_ARGUMENT for a name that could not be part of a topic's. */
  static of(name: string | undefined): ClientNamespace | undefined {
    if (name === undefined || name === '') return undefined;
    if (name.length > MAX_NAMESPACE_CHARACTERS || !/^[\w-]+$/.test(name)) {
      throw invalidArgument(
        `option namespace is "${name}", must be 1 to ${MAX_NAMESPACE_CHARACTERS} letters, digits, "_" and "-"`,
      );
    }
    return new ClientNamespace(name);
  }

  wrap(name: string): string {
    return wrapNamespace(this.name, name);
  }

  without(name: string): string {
    return withoutNamespace(this.name, name);
  }

  /** Anything with a topic, as brokers know it. */
  inside<T extends { readonly topic: string }>(value: T): T {
    return { ...value, topic: this.wrap(value.topic) };
  }

  /** Anything with a topic, as the application knows it. */
  outside<T extends { readonly topic: string }>(value: T): T {
    return { ...value, topic: this.without(value.topic) };
  }

  messages(message: MessageInput | readonly MessageInput[]): MessageInput | readonly MessageInput[] {
    return Array.isArray(message)
      ? (message as readonly MessageInput[]).map((one) => this.inside(one))
      : this.inside(message as MessageInput);
  }

  /** Queues of a send, and those that its selector gets. */
  sendOptions<T extends SendOptions>(options: T): T {
    const { queue, selector } = options;
    return {
      ...options,
      ...(queue && { queue: this.inside(queue) }),
      ...(selector && {
        selector: (queues: readonly MessageQueue[], message: MessageInput, arg: never) =>
          selector(
            queues.map((one) => this.outside(one)),
            this.outside(message),
            arg,
          ),
      }),
    };
  }

  result<T extends SendResult>(result: T): T {
    return { ...result, messageQueue: this.outside(result.messageQueue) };
  }

  callback(callback: SendCallback): SendCallback {
    return {
      onSuccess: (result) => callback.onSuccess(this.result(result)),
      onException: (error) => callback.onException(error),
    };
  }

  transactionListener(listener: TransactionListener): TransactionListener {
    return {
      executeLocalTransaction: (message, arg) => listener.executeLocalTransaction(this.outside(message), arg),
      checkLocalTransaction: (message) => listener.checkLocalTransaction(this.outside(message)),
    };
  }

  /** The listener gets its own copies: what becomes of a message is done with the name that brokers know. */
  registration(registration: ListenerRegistration): ListenerRegistration {
    const given = (messages: readonly MessageExt[]): MessageExt[] => messages.map((message) => this.outside(message));
    const contextOf = <T extends { readonly messageQueue: MessageQueue }>(context: T): T =>
      Object.defineProperty(context, 'messageQueue', { value: this.outside(context.messageQueue) });
    if (registration.kind === 'ORDERLY') {
      const { listener } = registration;
      return { kind: 'ORDERLY', listener: (messages, context) => listener(given(messages), contextOf(context)) };
    }
    const { listener } = registration;
    return { kind: 'CONCURRENTLY', listener: (messages, context) => listener(given(messages), contextOf(context)) };
  }
}

export interface NamespaceOptions {
  /**
   * Topics and groups of a producer or push consumer are in this namespace: brokers know them as `namespace%name`, the application by their names
   * (RocketMQ: `ClientConfig.namespace`). Other clients take names as brokers know them (`wrapNamespace`) and refuse this option. Default: none.
   */
  namespace?: string;
}

/** @throws MQClientError INVALID_ARGUMENT for a client that takes names as brokers know them. */
export function refuseNamespace({ namespace }: NamespaceOptions, client: string): void {
  if (namespace === undefined || namespace === '') return;
  throw invalidArgument(
    `${client} has no option namespace: give it names as brokers know them, wrapNamespace("${namespace}", name)`,
  );
}
