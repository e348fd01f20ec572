import { randomUUID } from 'node:crypto';
import {
  encodeSendMessageRequestV2,
  MessageConst,
  RemotingCommand,
  replyTopicOf,
  RequestCode,
  type MessageExt,
  type MessageQueue,
} from '@rocknest/protocol';
import { errorText, MQBrokerError, MQClientError, MQClientErrorCode } from '../errors.js';
import { transportError } from '../instance/call.js';
import type { ClientInstance } from '../instance/client-instance.js';
import { integerOption, invalidArgument } from '../support/check.js';
import { settledWithin } from '../support/concurrency.js';
import { compressBody } from './compression.js';
import type { MessageInput } from './message-input.js';
import type { SendOptions } from './message-sender.js';
import { bytesOf, outgoingMessage, withProperties, type OutgoingMessage } from './outgoing-message.js';
import type { ResolvedProducerOptions } from './producer-options.js';
import { sendStatusOf } from './retry-policy.js';
import type { SendGate } from './send-gate.js';
import type { SendCallback } from './send-task.js';
import type { RequestSpans } from '../telemetry/request-spans.js';

export interface RequestOptions extends Omit<SendOptions, 'timeoutMs'> {
  /** ms until the reply must be here, the send included: `sendMsgTimeoutMs`. */
  timeoutMs?: number;
}

/** A reply as a replier gives it; where it goes stands in the request. */
export type ReplyInput = Omit<MessageInput, 'topic' | 'delayTimeLevel' | 'waitStoreOk'>;

interface PendingRequest {
  resolve(reply: MessageExt): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** Sends a message, changed by `change` before it goes. */
export type Submit = (
  message: MessageInput,
  options: SendOptions,
  callback: SendCallback,
  change: (outgoing: OutgoingMessage) => OutgoingMessage,
) => void;

/**
 * Both sides of request and reply (RocketMQ: `DefaultMQProducerImpl.request`, `producer/RequestFutureHolder.java`, `utils/MessageUtil.java`).
 * A request is a message that names the client that asks; whoever handles it sends the reply to a broker, which pushes it to that client.
 */
export class RequestReply {
  private readonly pending = new Map<string, PendingRequest>();
  /** Topics whose brokers, and those that replies may come by, know this client. */
  private readonly announced = new Set<string>();
  private onIdle: (() => void)[] = [];

  constructor(
    private readonly instance: ClientInstance,
    private readonly options: ResolvedProducerOptions,
    private readonly gate: SendGate,
    private readonly submit: Submit,
    private readonly spans?: RequestSpans,
  ) {}

  /**
   * @throws MQClientError REQUEST_TIMEOUT when no reply came in time; as `send` when the request could not be sent; TOO_MANY_PENDING_SENDS.
   */
  async request(message: MessageInput, options: RequestOptions): Promise<MessageExt> {
    const { sendMsgTimeoutMs, engine } = this.options;
    const timeoutMs = integerOption('timeoutMs', options.timeoutMs, sendMsgTimeoutMs, 1);
    const limit = engine.maxPendingSends;
    if (this.pending.size >= limit) {
      throw new MQClientError(
        MQClientErrorCode.TOO_MANY_PENDING_SENDS,
        `${this.pending.size} requests wait for their replies, which is the limit (maxPendingSends)`,
        { retriable: true, details: { pending: this.pending.size, limit } },
      );
    }
    const correlationId = randomUUID();
    const ask = (): Promise<MessageExt> => this.ask(message, options, timeoutMs, correlationId);
    return this.spans ? this.spans.asked(message.topic, correlationId, ask) : ask();
  }

  private ask(
    message: MessageInput,
    options: RequestOptions,
    timeoutMs: number,
    correlationId: string,
  ): Promise<MessageExt> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.pending.delete(correlationId);
        clearTimeout(pending.timer);
        this.tellIdle();
      };
      const pending: PendingRequest = {
        resolve: (reply) => {
          end();
          resolve(reply);
        },
        reject: (error) => {
          end();
          reject(error);
        },
        timer: setTimeout(
          () =>
            pending.reject(
              new MQClientError(
                MQClientErrorCode.REQUEST_TIMEOUT,
                `no reply to a request to topic ${message.topic} within ${timeoutMs} ms; is a replier of the topic up, and does it reply?`,
                { retriable: true, details: { topic: message.topic, timeoutMs } },
              ),
            ),
          timeoutMs,
        ),
      };
      this.pending.set(correlationId, pending);
      const send = (): void => {
        if (!this.pending.has(correlationId)) return;
        this.submit(
          message,
          { ...options, timeoutMs },
          { onSuccess: () => {}, onException: (error) => this.pending.get(correlationId)?.reject(error) },
          (outgoing) =>
            withProperties(outgoing, {
              [MessageConst.CORRELATION_ID]: correlationId,
              [MessageConst.MESSAGE_REPLY_TO_CLIENT]: this.instance.clientId,
              [MessageConst.MESSAGE_TTL]: String(timeoutMs),
            }),
        );
      };
      if (this.announced.has(message.topic)) send();
      else this.announce(message.topic).then(send, (error: Error) => this.pending.get(correlationId)?.reject(error));
    });
  }

  /** A reply has come. @returns false when nobody here waits for it (any more). */
  replyArrived(reply: MessageExt): boolean {
    const pending = this.pending.get(reply.properties[MessageConst.CORRELATION_ID] ?? '');
    pending?.resolve(reply);
    return pending !== undefined;
  }

  /** Resolves when no request waits for its reply. */
  idle(): Promise<void> {
    if (this.pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.onIdle.push(resolve));
  }

  /** Fails what still waits. */
  close(error: Error): void {
    for (const pending of [...this.pending.values()]) pending.reject(error);
  }

  /**
   * Sends the reply to a request. The broker that the request came from is asked first: it knows the client that waits.
   *
   * @throws MQClientError INVALID_ARGUMENT when the message is no request; MQBrokerError when the client is gone; as `send`.
   */
  async reply(request: MessageExt, reply: ReplyInput, timeoutMs = this.options.sendMsgTimeoutMs): Promise<void> {
    const { properties } = request;
    const cluster = properties[MessageConst.CLUSTER];
    const client = properties[MessageConst.MESSAGE_REPLY_TO_CLIENT];
    const correlationId = properties[MessageConst.CORRELATION_ID];
    if (cluster === undefined || client === undefined || correlationId === undefined) {
      throw invalidArgument(
        `message ${request.msgId} of topic ${request.topic} is no request: it lacks ${MessageConst.CLUSTER}, ` +
          `${MessageConst.MESSAGE_REPLY_TO_CLIENT} or ${MessageConst.CORRELATION_ID}`,
      );
    }
    const topic = replyTopicOf(cluster);
    const meta = {
      [MessageConst.MESSAGE_TYPE]: 'reply',
      [MessageConst.CORRELATION_ID]: correlationId,
      [MessageConst.MESSAGE_REPLY_TO_CLIENT]: client,
      [MessageConst.MESSAGE_TTL]: properties[MessageConst.MESSAGE_TTL] ?? '',
    };
    const send = (message: ReplyInput): Promise<void> =>
      this.replyNow({ ...message, topic }, meta, request.brokerName, timeoutMs);
    return this.spans ? this.spans.replied(request, topic, reply, send) : send(reply);
  }

  private async replyNow(
    message: MessageInput,
    meta: Readonly<Record<string, string>>,
    nearBroker: string | undefined,
    timeoutMs: number,
  ): Promise<void> {
    const nowMs = Date.now();
    const outgoing = withProperties(outgoingMessage(message, this.options.maxMessageSizeBytes, nowMs), meta);
    const sizeBytes = outgoing.bodyBytes;
    this.gate.prepare(sizeBytes);
    try {
      await compressBody(outgoing, this.options.compression);
      await this.sendReply(outgoing, nearBroker, nowMs + timeoutMs);
    } finally {
      this.gate.prepared(sizeBytes);
    }
  }

  private async sendReply(reply: OutgoingMessage, nearBroker: string | undefined, deadlineMs: number): Promise<void> {
    const { routes, brokers, transport } = this.instance;
    let info = routes.publishInfo(reply.topic);
    if (info === undefined) {
      const finding = routes.findPublishInfo(reply.topic, this.options.engine.defaultTopic);
      if (!(await settledWithin(finding, deadlineMs - Date.now()))) throw late(reply.topic);
      info = await finding;
    }
    const byBroker = new Map<string, MessageQueue>();
    for (const queue of info.queues) byBroker.set(queue.brokerName, queue);
    const near = nearBroker === undefined ? undefined : byBroker.get(nearBroker);
    const queues = near ? [near, ...[...byBroker.values()].filter((queue) => queue !== near)] : [...byBroker.values()];
    let failure: Error | undefined;
    for (const queue of queues.slice(0, 1 + this.options.retryTimesWhenSendFailed)) {
      const address = brokers.master(queue.brokerName);
      if (address === undefined) continue;
      const leftMs = deadlineMs - Date.now();
      if (leftMs <= 0) throw late(reply.topic);
      try {
        const response = await transport.invoke(address, this.replyCommand(reply, queue), leftMs);
        if (sendStatusOf(response.code) !== undefined) return;
        failure = new MQBrokerError(`reply by topic ${reply.topic}`, address, response.code, response.remark);
      } catch (error) {
        failure = transportError(`reply by topic ${reply.topic}`, address, error);
      }
    }
    throw (
      failure ??
      new MQClientError(
        MQClientErrorCode.BROKER_NOT_FOUND,
        `no master is known of any broker of topic ${reply.topic}`,
        { retriable: true },
      )
    );
  }

  private replyCommand(reply: OutgoingMessage, queue: MessageQueue): RemotingCommand {
    const { group, defaultTopic, defaultTopicQueueNums } = this.options.engine;
    return RemotingCommand.request(
      RequestCode.SEND_REPLY_MESSAGE_V2,
      encodeSendMessageRequestV2({
        producerGroup: group,
        topic: reply.topic,
        defaultTopic,
        defaultTopicQueueNums,
        queueId: queue.queueId,
        sysFlag: reply.sysFlag,
        bornTimestamp: Date.now(),
        flag: reply.flag,
        properties: reply.properties,
        reconsumeTimes: 0,
        unitMode: false,
        maxReconsumeTimes: undefined,
        batch: false,
        brokerName: queue.brokerName,
      }),
      bytesOf(reply.body),
    );
  }

  /** Brokers push replies to clients whose heartbeat they have: those of the topic, and all of its clusters, since repliers may choose any. */
  private async announce(topic: string): Promise<void> {
    const { routes, heartbeats, logger } = this.instance;
    const { defaultTopic, defaultTopicQueueNums } = this.options.engine;
    await routes.findPublishInfo(topic, defaultTopic, defaultTopicQueueNums);
    const clusters = new Set(routes.route(topic)?.brokerDatas.map(({ cluster }) => cluster));
    for (const cluster of clusters) {
      await routes.findPublishInfo(replyTopicOf(cluster), defaultTopic).catch((error: unknown) => {
        logger.debug?.(`no route of the reply topic of cluster ${cluster}: ${errorText(error)}`);
      });
    }
    await heartbeats.sendToAll();
    if (this.announced.size >= MAX_ANNOUNCED_TOPICS) this.announced.clear();
    this.announced.add(topic);
  }

  private tellIdle(): void {
    if (this.pending.size > 0) return;
    for (const listener of this.onIdle.splice(0)) listener();
  }
}

/** A program may make up topics: what is forgotten is announced once more. */
const MAX_ANNOUNCED_TOPICS = 10_000;

function late(topic: string): MQClientError {
  return new MQClientError(MQClientErrorCode.TIMEOUT, `a reply by topic ${topic} was not sent in time`, {
    retriable: true,
  });
}
