import { encodeSendMessageRequestV2, RemotingCommand, RequestCode, type MessageQueue } from '@rocknest/protocol';
import { SPLIT_BATCH_BYTES } from '../defaults.js';
import { errorText, MQClientError, MQClientErrorCode } from '../errors.js';
import { integerOption, invalidArgument } from '../support/check.js';
import { settledWithin } from '../support/concurrency.js';
import type { SendSpans } from '../telemetry/send-spans.js';
import { compressBody } from './compression.js';
import { delayFieldOf } from './delay.js';
import { FaultDetector } from './fault-detector.js';
import { FaultStrategy } from './fault-strategy.js';
import type { MessageInput } from './message-input.js';
import { outgoingBatch, splitBatch } from './outgoing-batch.js';
import { illegalMessage, outgoingMessage, type OutgoingMessage } from './outgoing-message.js';
import { ProduceAccumulator } from './produce-accumulator.js';
import type { ResolvedProducerOptions } from './producer-options.js';
import { selectQueue, type MessageQueueSelector } from './queue-selector.js';
import { SendEngine, type SendCallback, type SendInstance, type SentListener } from './send-engine.js';
import type { SendResult } from './send-result.js';

export interface SendOptions {
  /** ms for this send with all its attempts. Default: `sendMsgTimeoutMs`. */
  timeoutMs?: number;
  /** To this queue and no other; then there is one attempt only. */
  queue?: MessageQueue;
  /** Chooses the queue; then there is one attempt only. Not together with `queue`. */
  selector?: MessageQueueSelector<never>;
  /** Goes to the selector. */
  selectorArg?: unknown;
}

export interface SendInBatchesOptions extends SendOptions {
  /** Bytes of one request, with properties: 1 MiB, at most `maxMessageSizeBytes`. */
  maxBatchBytes?: number;
}

/**
 * What stands between a producer's calls and its engine: messages are checked, gathered (`autoBatch`), split or compressed, and selectors asked.
 */
export class MessageSender {
  readonly engine: SendEngine;
  private readonly detector: FaultDetector | undefined;
  private readonly accumulator: ProduceAccumulator | undefined;

  constructor(
    private readonly instance: SendInstance,
    private readonly options: ResolvedProducerOptions,
    onSent?: SentListener,
    private readonly spans?: SendSpans,
  ) {
    const { faults } = options;
    const strategy = faults && new FaultStrategy(faults);
    const engine = new SendEngine(instance, options.engine, onSent, strategy);
    if (strategy && faults?.startDetectorEnable) {
      this.detector = new FaultDetector(strategy.table, instance, faults, options.client.logger);
      this.detector.start();
    }
    this.engine = engine;
    const { accumulator, sendMsgTimeoutMs, retryTimesWhenSendFailed } = options;
    this.accumulator =
      accumulator &&
      new ProduceAccumulator(accumulator, (batch, queue, callback) =>
        engine.send(Date.now(), batch, queue, sendMsgTimeoutMs, retryTimesWhenSendFailed, callback),
      );
  }

  /** Sends what `autoBatch` holds, and resolves when no send is under way. */
  idle(): Promise<void> {
    this.accumulator?.flush();
    return this.engine.gate.idle();
  }

  /** Ends what runs beside the sends. */
  async close(): Promise<void> {
    await this.detector?.stop();
  }

  /** Whatever is wrong comes to `callback.onException`, never within this call. */
  submit(
    message: MessageInput | readonly MessageInput[],
    options: SendOptions | undefined,
    retries: number,
    callback: SendCallback,
    change?: (outgoing: OutgoingMessage) => OutgoingMessage,
    isTransaction = false,
  ): void {
    if (this.spans !== undefined) ({ message, callback } = this.spans.begin(message, callback, isTransaction));
    this.submitWithin(message, options, retries, callback, change);
  }

  /** Within a span that the caller ends. */
  private submitWithin(
    message: MessageInput | readonly MessageInput[],
    options: SendOptions | undefined,
    retries: number,
    callback: SendCallback,
    change?: (outgoing: OutgoingMessage) => OutgoingMessage,
  ): void {
    const { namespace } = this.options.client;
    if (namespace === undefined) {
      this.submitInside(message, options, retries, callback, change);
      return;
    }
    const inside = options && namespace.sendOptions(options);
    this.submitInside(namespace.messages(message), inside, retries, namespace.callback(callback), change);
  }

  private submitInside(
    message: MessageInput | readonly MessageInput[],
    options: SendOptions | undefined,
    retries: number,
    callback: SendCallback,
    change?: (outgoing: OutgoingMessage) => OutgoingMessage,
  ): void {
    try {
      const { engine } = this;
      const nowMs = Date.now();
      const { maxMessageSizeBytes, compression, sendMsgTimeoutMs } = this.options;
      const queue = options?.queue;
      if (this.accumulator !== undefined && change === undefined && isAccumulable(message, options)) {
        if (queue !== undefined) checkQueue(queue, message.topic);
        if (this.accumulator.add(message, queue, nowMs, callback)) return;
      }
      let outgoing = isBatch(message)
        ? outgoingBatch(message, maxMessageSizeBytes)
        : outgoingMessage(message, maxMessageSizeBytes, nowMs);
      if (change !== undefined) outgoing = change(outgoing);
      if (queue !== undefined) checkQueue(queue, outgoing.topic);
      const timeoutMs =
        options?.timeoutMs === undefined
          ? sendMsgTimeoutMs
          : integerOption('timeoutMs', options.timeoutMs, sendMsgTimeoutMs, 1);
      if (
        options?.selector === undefined &&
        (outgoing.bodyBytes < compression.compressMsgBodyOverBytes || outgoing.isBatch)
      ) {
        engine.send(nowMs, outgoing, queue, timeoutMs, retries, callback);
        return;
      }
      const first = isBatch(message) ? message[0] : message;
      this.submitPrepared({ first, outgoing, options, nowMs, timeoutMs, retries, callback });
    } catch (error) {
      queueMicrotask(() => callback.onException(error as Error));
    }
  }

  /** Compresses and asks the selector before the message enters the gate; what takes time counts there. */
  private submitPrepared(send: PreparedSend): void {
    const { engine } = this;
    const { first, outgoing, options, nowMs, timeoutMs, retries, callback } = send;
    const { selector, selectorArg, queue: fixed } = options ?? {};
    if (selector !== undefined && fixed !== undefined) {
      throw invalidArgument('a send has either a queue or a selector');
    }
    if (selectorArg !== undefined) checkOrder(first);
    const enter = (queue: MessageQueue | undefined): void =>
      engine.send(nowMs, outgoing, queue, timeoutMs, retries, callback);
    const info = selector && this.instance.routes.publishInfo(outgoing.topic);
    const sizeBytes = outgoing.bodyBytes;
    const compressing = compressBody(outgoing, this.options.compression);
    if (compressing === undefined && (selector === undefined || info !== undefined)) {
      enter(selector === undefined ? fixed : selectQueue(selector, info!.queues, first, selectorArg));
      return;
    }
    engine.gate.prepare(sizeBytes);
    const ready = async (): Promise<MessageQueue | undefined> => {
      await compressing;
      if (selector === undefined) return fixed;
      return selectQueue(selector, await this.publishQueues(outgoing.topic, nowMs + timeoutMs), first, selectorArg);
    };
    ready()
      .finally(() => engine.gate.prepared(sizeBytes))
      .then(enter)
      .catch((error: unknown) => callback.onException(error as Error));
  }

  /** @throws MQClientError TIMEOUT when the route does not come in time. */
  private async publishQueues(topic: string, deadlineMs: number): Promise<readonly MessageQueue[]> {
    const { instance } = this;
    const { defaultTopic, defaultTopicQueueNums } = this.options.engine;
    const finding = instance.routes.findPublishInfo(topic, defaultTopic, defaultTopicQueueNums);
    if (await settledWithin(finding, deadlineMs - Date.now())) return (await finding).queues;
    throw new MQClientError(
      MQClientErrorCode.TIMEOUT,
      `the route of topic ${topic} did not come within the time of a send`,
      {
        retriable: true,
        details: { topic },
      },
    );
  }

  /** See `Producer.sendInBatches`. */
  async sendInBatches(messages: readonly MessageInput[], options: SendInBatchesOptions): Promise<SendResult[]> {
    const { spans } = this;
    if (spans === undefined || messages.length === 0) return this.batchesOf(messages, options);
    return spans.around(messages, true, (injected) => this.batchesOf(injected, options));
  }

  private async batchesOf(messages: readonly MessageInput[], options: SendInBatchesOptions): Promise<SendResult[]> {
    const { maxBatchBytes, ...sendOptions } = options;
    const limit = this.options.maxMessageSizeBytes;
    const { namespace } = this.options.client;
    const batches = splitBatch(
      namespace ? messages.map((message) => namespace.inside(message)) : messages,
      limit,
      integerOption('maxBatchBytes', maxBatchBytes, Math.min(SPLIT_BATCH_BYTES, limit), 1, limit),
    );
    const results: SendResult[] = [];
    let messagesSent = 0;
    for (const batch of batches) {
      try {
        results.push(
          await new Promise<SendResult>((resolve, reject) => {
            const callback = { onSuccess: resolve, onException: reject };
            this.submitWithin(messages[0], sendOptions, this.options.retryTimesWhenSendFailed, callback, () => batch);
          }),
        );
      } catch (error) {
        if (!(error instanceof MQClientError)) throw error;
        throw new MQClientError(
          error.code as MQClientErrorCode,
          `batch ${results.length + 1} of ${batches.length}, after ${messagesSent} messages that are stored: ${error.message}`,
          { retriable: error.retriable, cause: error, details: { ...error.details, results, messagesSent } },
        );
      }
      messagesSent += batch.msgId.split(',').length;
    }
    return results;
  }

  /** See `Producer.sendOneway`. */
  async sendOneway(message: MessageInput, fixed: MessageQueue | undefined): Promise<void> {
    const { spans } = this;
    if (spans === undefined) return this.onewayOf(message, fixed);
    return spans.around([message], false, ([injected]) => this.onewayOf(injected, fixed));
  }

  private async onewayOf(message: MessageInput, fixed: MessageQueue | undefined): Promise<void> {
    const { instance } = this;
    const { namespace } = this.options.client;
    const outgoing = outgoingMessage(
      namespace?.inside(message) ?? message,
      this.options.maxMessageSizeBytes,
      Date.now(),
    );
    await compressBody(outgoing, this.options.compression);
    const { defaultTopic, defaultTopicQueueNums } = this.options.engine;
    const queue =
      fixed ?? (await instance.routes.findPublishInfo(outgoing.topic, defaultTopic, defaultTopicQueueNums)).select();
    const address = instance.brokers.master(queue.brokerName);
    if (address === undefined) {
      throw new MQClientError(MQClientErrorCode.BROKER_NOT_FOUND, `no master of broker ${queue.brokerName} is known`, {
        retriable: true,
      });
    }
    try {
      await instance.transport.invokeOneway(address, this.onewayCommand(outgoing, queue));
    } catch (error) {
      throw new MQClientError(MQClientErrorCode.CONNECTION_FAILED, `oneway send to ${address}: ${errorText(error)}`, {
        retriable: true,
        cause: error,
      });
    }
  }

  private onewayCommand(message: OutgoingMessage, queue: MessageQueue): RemotingCommand {
    const { group, defaultTopic, defaultTopicQueueNums } = this.options.engine;
    return RemotingCommand.request(
      RequestCode.SEND_MESSAGE_V2,
      encodeSendMessageRequestV2({
        producerGroup: group,
        topic: message.topic,
        defaultTopic,
        defaultTopicQueueNums,
        queueId: queue.queueId,
        sysFlag: message.sysFlag,
        bornTimestamp: Date.now(),
        flag: message.flag,
        properties: message.properties,
        reconsumeTimes: 0,
        unitMode: false,
        maxReconsumeTimes: undefined,
        batch: false,
        brokerName: queue.brokerName,
      }),
      typeof message.body === 'string' ? Buffer.from(message.body) : message.body,
    ).markOneway();
  }
}

/** A send on its way to the gate. */
interface PreparedSend {
  /** For the selector: of a batch its first message. */
  first: MessageInput;
  outgoing: OutgoingMessage;
  options: SendOptions | undefined;
  nowMs: number;
  timeoutMs: number;
  retries: number;
  callback: SendCallback;
}

/** What belongs together by a selector's argument is to come in the order in which it is sent, and a timer message comes at its time. */
function checkOrder(message: MessageInput): void {
  const field = delayFieldOf(message);
  if (field === undefined || field === 'delayTimeLevel') return;
  throw illegalMessage(
    `a message to ${message.topic} has ${field} and a selectorArg: messages that are sent in order can't be due at a time; leave one of them out`,
  );
}

function checkQueue(queue: MessageQueue, topic: string): void {
  if (queue.topic === topic) return;
  throw invalidArgument(`a message to topic ${topic} can't go to a queue of topic ${queue.topic}`);
}

/** Sends with a time-out of their own, or whose queue is chosen late, go by themselves, as in Java. */
function isAccumulable(
  message: MessageInput | readonly MessageInput[],
  options: SendOptions | undefined,
): message is MessageInput {
  return !isBatch(message) && options?.timeoutMs === undefined && options?.selector === undefined;
}

function isBatch(message: MessageInput | readonly MessageInput[]): message is readonly MessageInput[] {
  return Array.isArray(message);
}
