import {
  ResponseCode,
  sendMessageResponseView,
  viewedText,
  viewSendMessageResponse,
  type MessageQueue,
  type RemotingCommand,
} from '@rocknest/protocol';
import { errorText, MQBrokerError, MQClientError, MQClientErrorCode } from '../errors.js';
import type { ClientInstance } from '../instance/client-instance.js';
import { transportError } from '../instance/call.js';
import type { TopicPublishInfo } from '../route/topic-publish-info.js';
import type { OutgoingMessage } from './outgoing-message.js';
import type { FaultStrategy } from './fault-strategy.js';
import { FlowPauses } from './flow-pauses.js';
import {
  FLOW_CONTROL_CODES,
  NO_MASTER_CODES,
  RETRY_RESPONSE_CODES,
  SAME_BROKER_RETRY_DELAY_MS,
  sendStatusOf,
} from './retry-policy.js';
import { CompactSendFrameTemplate, JsonSendFrameTemplate, type SendFrameTemplate } from './send-frame-template.js';
import { SendGate } from './send-gate.js';
import type { SendResult } from './send-result.js';
import { SendTask, type SendCallback, type SendTaskOwner } from './send-task.js';

export type { SendCallback } from './send-task.js';

export interface SendEngineOptions {
  group: string;
  defaultTopic: string;
  defaultTopicQueueNums: number;
  serializeType: 'ROCKETMQ' | 'JSON';
  namespaceV2?: string | undefined;
  maxInFlightSends: number;
  maxPendingSends: number;
  maxPendingSendBytes: number;
  /** Limit of one attempt within the time-out of the whole send; 0 for none. */
  maxTimeoutPerRequestMs: number;
  retryAnotherBrokerWhenNotStoreOk: boolean;
}

/** Gets each send that went well, before its callback does. */
export type SentListener = (task: SendTask, result: SendResult, response: RemotingCommand) => void;

/** What the engine needs of a client instance. */
export type SendInstance = Pick<ClientInstance, 'transport' | 'routes' | 'brokers' | 'brokerDoubted'>;

/** Templates of this many brokers and topics are kept. */
const MAX_TEMPLATES = 10_000;

/** The queue itself unless the broker chose another one of the topic. */
function queueOf(chosen: MessageQueue, queueId: number): MessageQueue {
  return queueId === chosen.queueId ? chosen : { topic: chosen.topic, brokerName: chosen.brokerName, queueId };
}

/**
 * Sends messages: chooses the queue, encodes, waits for the answer, and tries another broker as long as the time lasts
 * (RocketMQ: `DefaultMQProducerImpl.sendDefaultImpl` and `sendKernelImpl`). A send that goes well costs one object and no promise.
 */
export class SendEngine implements SendTaskOwner {
  readonly gate: SendGate;
  private readonly templates = new Map<string, Map<string, SendFrameTemplate>>();
  private templateCount = 0;
  private readonly pauses = new FlowPauses();
  /** Of the last answer: that of the next one, nearly always. */
  private regionId = '';

  constructor(
    private readonly instance: SendInstance,
    private readonly options: SendEngineOptions,
    private readonly onSent?: SentListener,
    private readonly faults?: FaultStrategy,
  ) {
    this.gate = new SendGate({
      maxInFlight: options.maxInFlightSends,
      maxPending: options.maxPendingSends,
      maxPendingBytes: options.maxPendingSendBytes,
    });
  }

  /**
   * @param nowMs `Date.now()`: reading the clock is a good part of what a send costs, so it is read once.
   * @param queue this one and no other, with one attempt; undefined for whichever's turn it is.
   * @param retries attempts after the first.
   * @throws MQClientError TOO_MANY_PENDING_SENDS; everything else goes to the callback.
   */
  send(
    nowMs: number,
    message: OutgoingMessage,
    queue: MessageQueue | undefined,
    timeoutMs: number,
    retries: number,
    callback: SendCallback,
  ): void {
    this.gate.enter(new SendTask(this, message, queue, nowMs, timeoutMs, retries, callback), nowMs);
  }

  attempt(task: SendTask, nowMs: number): void {
    const leftMs = task.deadlineMs - nowMs;
    if (leftMs <= 0) {
      this.fail(task, this.timeoutOf(task, undefined));
      return;
    }
    if (!this.choose(task, nowMs)) {
      if (this.waitsForPause(task, nowMs)) return;
      void this.attemptAfterRoute(task, leftMs);
      return;
    }
    const { address } = task;
    const queue = task.chosen!;
    const { maxTimeoutPerRequestMs } = this.options;
    const timeoutMs = maxTimeoutPerRequestMs > 0 ? Math.min(leftMs, maxTimeoutPerRequestMs) : leftMs;
    task.attempts++;
    task.bornMs = nowMs;
    task.wallMs = nowMs;
    task.template = this.template(task.message.topic, queue.brokerName);
    try {
      this.instance.transport.invokeRequest(address, task, timeoutMs);
    } catch (error) {
      this.fail(task, error as Error);
    }
  }

  expired(task: SendTask): void {
    task.callback.onException(this.timeoutOf(task, undefined));
  }

  answered(task: SendTask, error: Error | undefined, response: RemotingCommand | undefined): void {
    if (!response) {
      this.instance.brokerDoubted(task.address);
      this.noteFailure(task, false);
      this.retryOr(task, transportError(`send to topic ${task.message.topic}`, task.address, error), true);
      return;
    }
    const status = sendStatusOf(response.code);
    if (status === undefined) {
      const retriable = RETRY_RESPONSE_CODES.has(response.code);
      if (retriable) this.noteRefusal(task, response.code);
      this.retryOr(task, this.brokerError(task, response.code, response.remark, retriable), retriable);
      return;
    }
    this.noteSuccess(task);
    if (status !== 'SEND_OK' && this.options.retryAnotherBrokerWhenNotStoreOk && this.mayRetry(task)) {
      task.lastFailedBroker = task.chosen!.brokerName;
      this.attempt(task, Date.now());
      return;
    }
    this.gate.leave(task);
    const result = this.resultOf(task, status, response);
    if (this.onSent !== undefined) this.onSent(task, result, response);
    task.callback.onSuccess(result);
  }

  timeoutOf(task: SendTask, cause: unknown): MQClientError {
    const { topic } = task.message;
    const tried = task.tried?.length ? `; tried: ${task.tried.join(', ')}` : '';
    return new MQClientError(
      MQClientErrorCode.TIMEOUT,
      task.attempts === 0
        ? `a send to topic ${topic} waited ${Date.now() - task.startedMs} ms for its turn or its route and was not sent; ` +
            `its time-out is ${task.timeoutMs} ms`
        : `a send to topic ${topic} was not answered within ${task.timeoutMs} ms; it may have been stored${tried}`,
      { retriable: true, cause, details: { topic, attempts: task.attempts, timeoutMs: task.timeoutMs } },
    );
  }

  /** Chooses the queue whose turn it is among those whose broker has a known master. Returns false when there is none. */
  private choose(task: SendTask, nowMs: number): boolean {
    const { routes, brokers } = this.instance;
    const info = task.queue ? undefined : routes.publishInfo(task.message.topic);
    if (info) info.lastUsedMs = nowMs;
    for (let left = task.queue ? 1 : (info?.queues.length ?? 0); left > 0; left--) {
      const queue = task.queue ?? this.turn(info!, task.lastFailedBroker, nowMs);
      if (queue === undefined) return false;
      const address = brokers.master(queue.brokerName);
      if (address === undefined) continue;
      task.chosen = queue;
      task.address = address;
      return true;
    }
    return false;
  }

  /** Whose turn it is; undefined when every broker with a master has asked for a pause, or none has a master. */
  private turn(info: TopicPublishInfo, lastFailed: string | undefined, nowMs: number): MessageQueue | undefined {
    const { faults, pauses } = this;
    if (faults === undefined && pauses.none) return info.select(lastFailed);
    const { brokers } = this.instance;
    const usable = (name: string): boolean => brokers.master(name) !== undefined && !pauses.isPaused(name, nowMs);
    if (faults !== undefined) return faults.select(info, lastFailed, nowMs, usable);
    return info.selectWhere((name) => name !== lastFailed && usable(name)) ?? info.selectWhere(usable);
  }

  /** When all brokers of the topic asked for a pause, the send waits for the end of the first one, or fails when that is after its time. */
  private waitsForPause(task: SendTask, nowMs: number): boolean {
    if (this.pauses.none || task.queue !== undefined) return false;
    const { routes, brokers } = this.instance;
    const names = new Set<string>();
    for (const { brokerName } of routes.publishInfo(task.message.topic)?.queues ?? []) {
      if (brokers.master(brokerName) !== undefined) names.add(brokerName);
    }
    const waitMs = this.pauses.waitMs(names, nowMs);
    if (waitMs === 0) return false;
    // Not all at once, when it is over.
    const delayMs = Math.ceil(waitMs * (1 + Math.random() / 2));
    if (nowMs + delayMs >= task.deadlineMs) {
      this.fail(task, task.refusal ? this.finalError(task, task.refusal) : this.pausedError(task, names));
      return true;
    }
    setTimeout(() => this.attempt(task, Date.now()), delayMs);
    return true;
  }

  private pausedError(task: SendTask, brokerNames: ReadonlySet<string>): MQClientError {
    const { topic } = task.message;
    return new MQClientError(
      MQClientErrorCode.TIMEOUT,
      `a send to topic ${topic} was not sent within ${task.timeoutMs} ms: its brokers (${[...brokerNames].join(', ')}) asked for a pause; send slower`,
      { retriable: true, details: { topic, attempts: 0, timeoutMs: task.timeoutMs } },
    );
  }

  private noteSuccess(task: SendTask): void {
    const { brokerName } = task.chosen!;
    if (!this.pauses.none) this.pauses.stored(brokerName);
    if (this.faults === undefined) return;
    const nowMs = Date.now();
    this.faults.answered(brokerName, task.message.topic, nowMs - task.bornMs, nowMs);
  }

  private noteFailure(task: SendTask, connected: boolean): void {
    if (this.faults === undefined) return;
    const nowMs = Date.now();
    this.faults.failed(task.chosen!.brokerName, task.message.topic, nowMs - task.bornMs, connected, nowMs);
  }

  private noteRefusal(task: SendTask, code: number): void {
    if (FLOW_CONTROL_CODES.has(code)) {
      this.pauses.refused(task.chosen!.brokerName, Date.now());
      return;
    }
    if (NO_MASTER_CODES.has(code)) this.instance.brokerDoubted(task.address);
    this.noteFailure(task, true);
  }

  private resultOf(task: SendTask, status: SendResult['status'], response: RemotingCommand): SendResult {
    const chosen = task.chosen!;
    const { msgId } = task.message;
    if (!viewSendMessageResponse(response)) {
      return {
        status,
        msgId,
        offsetMsgId: response.field('msgId') ?? '',
        messageQueue: queueOf(chosen, response.integerField('queueId') ?? chosen.queueId),
        queueOffset: response.integerField('queueOffset') ?? -1,
        transactionId: response.field('transactionId'),
        recallHandle: response.field('recallHandle'),
        regionId: response.field('MSG_REGION'),
      };
    }
    const view = sendMessageResponseView;
    const regionId = viewedText(response, view.msgRegion, this.regionId);
    if (regionId !== undefined) this.regionId = regionId;
    return {
      status,
      msgId,
      offsetMsgId: viewedText(response, view.msgId, '') ?? '',
      messageQueue: Number.isNaN(view.queueId) ? chosen : queueOf(chosen, view.queueId),
      queueOffset: Number.isNaN(view.queueOffset) ? -1 : view.queueOffset,
      transactionId: viewedText(response, view.transactionId, msgId),
      recallHandle: viewedText(response, view.recallHandle, ''),
      regionId,
    };
  }

  private mayRetry(task: SendTask): boolean {
    return task.queue === undefined && task.attempts - task.pauses <= task.retries && Date.now() < task.deadlineMs;
  }

  private retryOr(task: SendTask, error: MQClientError, retriable: boolean): void {
    const failed = task.chosen!.brokerName;
    (task.tried ??= []).push(`${failed} (${errorText(error)})`);
    const busy = error instanceof MQBrokerError && FLOW_CONTROL_CODES.has(error.responseCode);
    if (busy) {
      // It was not stored, so trying again can do no harm: as long as the time lasts, unless the caller wants no retry at all.
      task.refusal = error;
      if (task.retries > 0) task.pauses++;
    }
    if (!retriable || !this.mayRetry(task)) {
      this.fail(task, this.finalError(task, error));
      return;
    }
    task.lastFailedBroker = failed;
    const info = this.instance.routes.publishInfo(task.message.topic);
    const another = info?.queues.some((queue) => queue.brokerName !== failed) ?? false;
    if (error instanceof MQBrokerError && error.responseCode === ResponseCode.TOPIC_NOT_EXIST) {
      void this.attemptAfterRoute(task, task.deadlineMs - Date.now());
    } else if (another || busy) {
      this.attempt(task, Date.now());
    } else {
      const leftMs = task.deadlineMs - Date.now();
      setTimeout(
        () => this.attempt(task, Date.now()),
        Math.min(SAME_BROKER_RETRY_DELAY_MS * task.attempts, leftMs / 2),
      );
    }
  }

  private finalError(task: SendTask, error: MQClientError): MQClientError {
    if (error.code === MQClientErrorCode.TIMEOUT) return this.timeoutOf(task, error);
    if (task.attempts < 2) return error;
    const note = `; the last of ${task.attempts} attempts in ${Date.now() - task.startedMs} ms: ${task.tried!.join('; ')}`;
    if (error instanceof MQBrokerError) {
      return this.brokerError(task, error.responseCode, error.remark, error.retriable, note);
    }
    return new MQClientError(MQClientErrorCode.CONNECTION_FAILED, error.message + note, {
      retriable: error.retriable,
      cause: error,
    });
  }

  private brokerError(
    task: SendTask,
    code: number,
    remark: string | undefined,
    retriable: boolean,
    note?: string,
  ): MQBrokerError {
    return new MQBrokerError(`send to topic ${task.message.topic}`, task.address, code, remark, {
      retriable,
      note,
    });
  }

  private fail(task: SendTask, error: Error): void {
    this.gate.leave(task);
    task.callback.onException(error);
  }

  /** Finds the route (or the address of the broker), within the time that is left, and tries then. */
  private async attemptAfterRoute(task: SendTask, leftMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(this.timeoutOf(task, undefined)), leftMs);
      });
      await Promise.race([this.findRoute(task), late]);
      const { queue } = task;
      if (queue && this.instance.brokers.master(queue.brokerName) === undefined) {
        throw new MQClientError(
          MQClientErrorCode.BROKER_NOT_FOUND,
          `no master of broker ${queue.brokerName} is known for topic ${queue.topic}; is the broker up and its name right?`,
          { retriable: true, details: { brokerName: queue.brokerName, topic: queue.topic } },
        );
      }
    } catch (error) {
      this.fail(task, error as Error);
      return;
    } finally {
      clearTimeout(timer);
    }
    this.attempt(task, Date.now());
  }

  private async findRoute(task: SendTask): Promise<void> {
    const { routes, brokers } = this.instance;
    const { topic } = task.message;
    const known = routes.publishInfo(topic);
    // A known route that led to a missing topic or a missing broker is old.
    if (known) await routes.refresh(topic);
    const info = await routes.findPublishInfo(topic, this.options.defaultTopic, this.options.defaultTopicQueueNums);
    if (task.queue || info.queues.some((queue) => brokers.master(queue.brokerName) !== undefined)) return;
    throw new MQClientError(MQClientErrorCode.BROKER_NOT_FOUND, `no master is known of any broker of topic ${topic}`, {
      retriable: true,
      details: { topic },
    });
  }

  private template(topic: string, brokerName: string): SendFrameTemplate {
    const template = this.templates.get(topic)?.get(brokerName);
    return template ?? this.newTemplate(topic, brokerName);
  }

  private newTemplate(topic: string, brokerName: string): SendFrameTemplate {
    if (this.templateCount >= MAX_TEMPLATES) {
      this.templates.clear();
      this.templateCount = 0;
    }
    const { group, serializeType } = this.options;
    const Template = serializeType === 'JSON' ? JsonSendFrameTemplate : CompactSendFrameTemplate;
    const template = new Template({ ...this.options, producerGroup: group, topic, brokerName });
    const ofTopic = this.templates.get(topic) ?? new Map<string, SendFrameTemplate>();
    this.templates.set(topic, ofTopic);
    ofTopic.set(brokerName, template);
    this.templateCount++;
    return template;
  }
}
