import { inspect } from 'node:util';
import { Logger } from '@nestjs/common';
import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import type { MessageExt, SendResult } from '@rocknest/client-core';
import { throwError, type Observable } from 'rxjs';
import type { ProducerPort } from '../core-port.js';
import { invalidOption } from '../errors.js';
import type { OutgoingMessage } from '../producer/outgoing-message.js';
import type { ProducerOptions } from '../producer/producer-options.js';
import { RocketMQProducer } from '../producer/rocketmq.producer.js';
import { RocketMQRecord } from '../record/rocketmq-record.js';
import { REPLY_ERROR_PROPERTY } from '../reply/reply-format.js';
import type { BodyFormat } from '../serde/body-format.js';
import { resolveDeserializer, type MessageDeserializer } from '../serde/message-deserializer.js';
import { asError } from '../support/as-error.js';
import { TypedTopic } from '../typed-topic/typed-topic.js';
import { EmitOutcome } from './emit-outcome.js';
import { emitTargetOf } from './emit-target.js';

/** Options of `RocketMQClient`: those of a producer of its own, or the producer that it shares. */
export type RocketMQClientOptions = (ProducerOptions | { producer: RocketMQProducer }) & {
  /** ms that `send()` waits for its reply, the send included. @default `sendMsgTimeoutMs` of the producer, 3,000 */
  requestTimeoutMs?: number;
  /** How bodies of replies become payloads. @default 'auto' */
  deserializer?: BodyFormat | MessageDeserializer;
};

const JSON_BODY = resolveDeserializer('json');

/** A packet of Nest; `metadata` is set by `setOnDispatchHook` of Nest 12. */
interface Packet extends ReadPacket {
  metadata?: Readonly<Record<string, string>>;
}

/**
 * Nest's client for this transport: `ClientsModule.register([{ name: 'BUS', customClass: RocketMQClient, options: { namesrvAddr } }])`,
 * or `@InjectClient()` with `RocketMQModule`.
 *
 * `emit` sends at once, subscribed or not, like every transport's; its Observable gives the `SendResult` and completes when the
 * broker has acknowledged the message, also to those who subscribe later, and a failure that nobody observes is logged.
 *
 * `send` asks, and its Observable gives what the `@MessagePattern` handler (or the replier of another RocketMQ client) returned; what it threw is the error.
 */
export class RocketMQClient extends ClientProxy {
  private readonly logger = new Logger(RocketMQClient.name);
  private readonly ownOptions: ProducerOptions | undefined;
  private readonly requestTimeoutMs: number | undefined;
  private readonly replyDeserializer: MessageDeserializer;
  private producer: RocketMQProducer;

  constructor(options: RocketMQClientOptions = {}) {
    super();
    const { requestTimeoutMs, deserializer, ...rest } = options;
    this.requestTimeoutMs = requestTimeoutMs;
    this.replyDeserializer = resolveDeserializer(deserializer);
    this.ownOptions = 'producer' in rest ? undefined : { ...rest, lazy: true };
    this.producer = this.follow('producer' in rest ? rest.producer : this.createProducer());
  }

  /** Connects, unless it has; after a `close()` anew. A failed attempt is not remembered. */
  override async connect(): Promise<void> {
    if (this.ownOptions && this.producer.closed) this.producer = this.follow(this.createProducer());
    await this.producer.start();
  }

  /** Waits for what is on its way and closes; a producer of `RocketMQModule` is left to the module. */
  override async close(): Promise<void> {
    if (this.ownOptions) await this.producer.shutdown();
  }

  /**
   * Sends an event.
   *
   * @param pattern `'topic'`, `'topic:tag'`, `{ topic, tags }`, or a topic of `defineTopic`.
   * @param data the payload, or a `RocketMQRecord` with tags, keys, properties and delay.
   */
  override emit<TResult = SendResult, TInput = unknown>(pattern: unknown, data: TInput): Observable<TResult> {
    if (pattern === undefined || pattern === null || data === undefined || data === null) {
      return throwError(() => invalidOption('emit() needs a pattern and data; null and undefined are no payload'));
    }
    const outcome = new EmitOutcome<TResult>();
    const packet: Packet = this.packetOf(pattern, data);
    // Without a microtask more than it needs when the producer is connected, as it is nearly always.
    const sent = this.producer.ready
      ? this.dispatchEvent<TResult>(packet)
      : this.connect().then(() => this.dispatchEvent<TResult>(packet));
    sent.then(
      (result) => outcome.succeed(result),
      (error: unknown) => {
        if (!outcome.observed) this.logger.error(`emit(${inspect(pattern)}) failed: ${String(error)}`);
        outcome.fail(error);
      },
    );
    return outcome.observable;
  }

  /** The producer of client-core; undefined until it has connected. */
  override unwrap<T = ProducerPort | undefined>(): T {
    return this.producer.unwrap() as T;
  }

  protected override dispatchEvent<T = SendResult>(packet: Packet): Promise<T> {
    try {
      return this.producer.send(this.messageOf(packet)) as Promise<T>;
    } catch (error) {
      return Promise.reject(asError(error));
    }
  }

  /** `send()`: a request whose reply becomes the value of the Observable. It goes when somebody subscribes, for each subscription once. */
  protected override publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    let wanted = true;
    const answer = (written: WritePacket): void => {
      if (wanted) callback({ ...written, isDisposed: true });
    };
    const { requestTimeoutMs: timeoutMs } = this;
    const request = async (): Promise<MessageExt> =>
      this.producer.request(this.messageOf(packet), timeoutMs === undefined ? {} : { timeoutMs });
    request()
      .then((reply) => {
        const isError = reply.properties[REPLY_ERROR_PROPERTY] !== undefined;
        const payload = (isError ? JSON_BODY : this.replyDeserializer).deserialize(reply);
        answer(isError ? { err: payload } : { response: payload });
      })
      .catch((error: unknown) => answer({ err: error }));
    return () => {
      wanted = false;
    };
  }

  private createProducer(): RocketMQProducer {
    return new RocketMQProducer({ name: 'client', ...this.ownOptions });
  }

  private follow(producer: RocketMQProducer): RocketMQProducer {
    producer.status.subscribe((status) => this._status$.next(status));
    return producer;
  }

  /** Nest 12 has a hook for outgoing packets in `createPacket`; Nest 11 has neither. */
  private packetOf(pattern: unknown, data: unknown): Packet {
    const create = (this as unknown as { createPacket?: (pattern: unknown, data: unknown) => Packet }).createPacket;
    return typeof create === 'function' ? create.call(this, pattern, data) : { pattern, data };
  }

  private messageOf(packet: Packet): OutgoingMessage {
    const { metadata } = packet;
    const data: unknown = packet.data;
    const pattern: unknown = packet.pattern;
    const { topic, tag } = pattern instanceof TypedTopic ? { topic: pattern, tag: undefined } : emitTargetOf(pattern);
    if (!(data instanceof RocketMQRecord)) return { topic, body: data, tags: tag, properties: metadata };
    const { value, options } = data as RocketMQRecord;
    const message: OutgoingMessage = { topic, body: value, ...options };
    if (tag !== undefined) message.tags ??= tag;
    if (metadata !== undefined) message.properties = { ...metadata, ...options.properties };
    return message;
  }
}
