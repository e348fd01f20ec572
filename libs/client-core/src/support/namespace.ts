import { withoutNamespace, wrapNamespace, type MessageExt, type MessageQueue } from '@rocknest/protocol';
import type { ListenerRegistration, MessageListener, MessageListenerOrderly } from '../consumer/consume-types.js';
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
 * (RocketMQ: `ClientConfig.withNamespace`). Where every message or call passes, clients without one have none of these.
 */
export class ClientNamespace {
  private constructor(readonly name: string) {}

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

  outsideAll<T extends { readonly topic: string }>(values: Iterable<T>): T[] {
    return Array.from(values, (value) => this.outside(value));
  }

  /** Whether brokers know this as a name of the namespace. */
  holds(known: string): boolean {
    return this.without(known) !== known;
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
      const orderly: MessageListenerOrderly = (messages, context) => listener(given(messages), contextOf(context));
      return { ...registration, listener: orderly };
    }
    const { listener } = registration;
    const concurrent: MessageListener = (messages, context) => listener(given(messages), contextOf(context));
    return { ...registration, listener: concurrent };
  }
}

export interface NamespaceOptions {
  /**
   * Topics and groups of this client are in this namespace: brokers know them as `namespace%name`, the application by their names
   * (RocketMQ: `ClientConfig.namespace`). Default: none.
   */
  namespace?: string;
  /**
   * A namespace that goes with each request in its header, `nsd` and `ns`, and leaves the names as they are (RocketMQ 5: `ClientConfig.namespaceV2`). For
   * servers and proxies that keep tenants apart by it: brokers, ours and RocketMQ's, pass it over. Default: none.
   */
  namespaceV2?: string;
}

/** More than any server takes. */
const MAX_NAMESPACE_V2_CHARACTERS = 255;

/** @throws MQClientError INVALID_ARGUMENT for what could not stand in a header of any server. */
export function namespaceV2Option(namespace: string | undefined): string | undefined {
  if (namespace === undefined || namespace === '') return undefined;
  if (typeof namespace === 'string' && /^[!-~]+$/.test(namespace) && namespace.length <= MAX_NAMESPACE_V2_CHARACTERS)
    return namespace;
  throw invalidArgument(
    `option namespaceV2 is "${String(namespace)}", must be 1 to ${MAX_NAMESPACE_V2_CHARACTERS} characters of ASCII without blanks`,
  );
}

/** Names on their way to the brokers and back, of clients that have a namespace or none. */
export type ClientNames = Pick<ClientNamespace, 'wrap' | 'without' | 'inside' | 'outside' | 'outsideAll' | 'holds'>;

const PLAIN: ClientNames = {
  wrap: (name) => name,
  without: (name) => name,
  inside: (value) => value,
  outside: (value) => value,
  outsideAll: (values) => [...values],
  holds: () => true,
};

export function clientNames(namespace: ClientNamespace | undefined): ClientNames {
  return namespace ?? PLAIN;
}
