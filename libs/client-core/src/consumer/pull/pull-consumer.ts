import type { MessageExt, MessageQueue, SubscriptionData } from '@rocknest/protocol';
import {
  CONSUMER_PULL_TIMEOUT_MS,
  PULL_BATCH_SIZE_BYTES,
  PULL_CONSUMER_SUSPEND_MAX_TIME_MS,
  PULL_TIMEOUT_MS,
} from '../../defaults.js';
import { errorText, MQClientError, MQClientErrorCode } from '../../errors.js';
import { clientInstances, type ClientInstanceRegistry } from '../../instance/client-instance-registry.js';
import { innerSender } from '../../producer/inner-sender.js';
import { integerOption, invalidArgument } from '../../support/check.js';
import { clientNames, type ClientNames } from '../../support/namespace.js';
import { PeriodicTask } from '../../support/periodic-task.js';
import { ClientTelemetry, telemetryApiFor } from '../../telemetry/client-telemetry.js';
import { ReceiveSpans } from '../../telemetry/receive-spans.js';
import { MessageSelector } from '../message-selector.js';
import type { PullOutcome } from '../pull-types.js';
import { fetchSubscribeQueues } from '../queue-lookup.js';
import { ConsumeQueueRef } from '../queue-ref.js';
import { SendBack } from '../send-back.js';
import { pullKernel } from './pull-kernel.js';
import { PullMember } from './pull-member.js';
import {
  resolvePullConsumerOptions,
  type PullConsumerOptions,
  type ResolvedPullConsumerOptions,
} from './pull-options.js';

/** What a pull found (RocketMQ: `client/consumer/PullResult.java`). */
export interface PullResult {
  /** FOUND: messages, unless none has the tags asked for. OFFSET_ILLEGAL: the queue has no such offset. */
  status: PullOutcome['status'];
  /** Where the next pull of the queue begins, whatever the status. */
  nextBeginOffset: number;
  minOffset: number;
  /** The offset that the queue's next message gets. */
  maxOffset: number;
  messages: MessageExt[];
}

export interface PullOptionsOfCall {
  /** Body bytes, 5.x brokers: 256 KiB. */
  maxBytes?: number;
  /** ms until the pull fails: `consumerPullTimeoutMs`. */
  timeoutMs?: number;
}

/**
 * Pulls when it is told to, from the queue and offset that it is told (RocketMQ: `client/consumer/DefaultMQPullConsumer.java`). No rebalance and no
 * buffer: the program keeps its place by `nextBeginOffset`, here or in a store of its own. For most programs `LitePullConsumer` does that work.
 */
export class PullConsumer {
  private readonly options: ResolvedPullConsumerOptions;
  private readonly names: ClientNames;
  private readonly suggested = new Map<string, number>();
  private member: PullMember | undefined = undefined;
  private persistTask: PeriodicTask | undefined = undefined;
  private spans: ReceiveSpans | undefined = undefined;
  private starting: Promise<void> | undefined = undefined;
  private closing: Promise<void> | undefined = undefined;

  /** @throws MQClientError INVALID_ARGUMENT or INVALID_NAMESRV_ADDR. */
  constructor(
    options: PullConsumerOptions,
    private readonly registry: ClientInstanceRegistry = clientInstances,
  ) {
    this.options = resolvePullConsumerOptions(options);
    this.names = clientNames(this.options.client.namespace);
  }

  /** As brokers know it: with its namespace. */
  get group(): string {
    return this.options.group;
  }

  get clientId(): string | undefined {
    return this.member?.instance.clientId;
  }

  /** @throws MQClientError NAMESRV_UNREACHABLE, ALREADY_STARTED, SHUT_DOWN, LOCAL_OFFSETS_UNREADABLE. */
  start(): Promise<void> {
    if (this.closing) {
      return Promise.reject(new MQClientError(MQClientErrorCode.SHUT_DOWN, `consumer ${this.group} was shut down`));
    }
    this.starting ??= this.startNow().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  /** Writes the offsets and leaves. Never rejects; further calls return the same promise. */
  shutdown(): Promise<void> {
    this.closing ??= this.close();
    return this.closing;
  }

  /** The queues of a topic that may be read. @throws MQClientError NO_ROUTE. */
  async fetchSubscribeMessageQueues(topic: string): Promise<MessageQueue[]> {
    return this.names.outsideAll(await fetchSubscribeQueues(this.running.instance, this.names.wrap(topic)));
  }

  /** The same under the name of lite pull consumers. */
  async fetchMessageQueues(topic: string): Promise<MessageQueue[]> {
    return this.fetchSubscribeMessageQueues(topic);
  }

  /**
   * Messages of a queue from an offset on; the broker answers at once.
   *
   * @param selector `*`, tags like `created || paid`, or `MessageSelector.bySql(...)`.
   * @throws MQClientError INVALID_ARGUMENT, BROKER_NOT_FOUND, TIMEOUT, CONNECTION_FAILED; MQBrokerError.
   */
  async pull(
    queue: MessageQueue,
    selector: string | MessageSelector,
    offset: number,
    maxNums: number,
    options: PullOptionsOfCall = {},
  ): Promise<PullResult> {
    return this.pullNow(this.names.inside(queue), selector, offset, maxNums, 0, options);
  }

  /** The same; when there is nothing the broker holds the pull, up to 20 s, until there is. */
  async pullBlockIfNotFound(
    queue: MessageQueue,
    selector: string | MessageSelector,
    offset: number,
    maxNums: number,
    options: PullOptionsOfCall = {},
  ): Promise<PullResult> {
    const timeoutMs = options.timeoutMs ?? PULL_TIMEOUT_MS;
    // The hold must end before the pull is given up.
    const holdMs = Math.min(PULL_CONSUMER_SUSPEND_MAX_TIME_MS, Math.max(1, Math.floor((timeoutMs * 2) / 3)));
    return this.pullNow(this.names.inside(queue), selector, offset, maxNums, holdMs, { ...options, timeoutMs });
  }

  /** Sets the group's progress in memory; written every `persistConsumerOffsetIntervalMs`, by `persist`, and at the shutdown. */
  updateConsumeOffset(queue: MessageQueue, offset: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0)
      throw invalidArgument(`offset ${offset} of ${queue.topic} is none`);
    this.running.offsetStore.update(this.refOf(queue), offset, false);
  }

  /** The group's progress, -1 for none: what was set here, or what is stored. @param fromStore what is stored, whatever was set here. */
  async fetchConsumeOffset(queue: MessageQueue, fromStore = false): Promise<number> {
    const known = fromStore ? undefined : this.running.offsetStore.inMemory(this.refOf(queue));
    return known ?? this.running.storedOffset(this.names.inside(queue));
  }

  /** Writes the offsets that were set, or those of some queues, now. @throws MQClientError OFFSET_NOT_WRITTEN. */
  async persist(queues?: Iterable<MessageQueue>): Promise<void> {
    await this.running.persist(queues && Array.from(queues, (queue) => this.names.inside(queue)));
  }

  /**
   * Gives a message back: it comes again in `%RETRY%group` after the delay level, or rests in the dead letter topic.
   *
   * @param delayLevel 0 (default): the broker's choice by the number of deliveries; -1: dead letter at once.
   */
  async sendMessageBack(message: MessageExt, delayLevel = 0): Promise<void> {
    const { instance, api } = this.running;
    const { brokerName } = message;
    if (brokerName === undefined)
      throw invalidArgument(`message ${message.msgId} does not say which broker it came from`);
    integerOption('delayLevel', delayLevel, 0, -1);
    const sendBack = new SendBack({
      group: this.group,
      maxReconsumeTimes: this.options.maxReconsumeTimes,
      sendMessageBack: (queue, header) => api.sendMessageBack(queue, header),
      resend: (copy) => innerSender(instance).send(copy),
      logger: this.options.client.logger,
    });
    const known = this.names.inside(message);
    const send = () => sendBack.sendBack(known, { topic: known.topic, brokerName, queueId: known.queueId }, delayLevel);
    await (this.spans ? this.spans.settle('send_back', message, send) : send());
  }

  async minOffset(queue: MessageQueue): Promise<number> {
    return this.running.api.minOffset(this.names.inside(queue));
  }

  /** The offset that the next message of the queue will get. */
  async maxOffset(queue: MessageQueue): Promise<number> {
    return this.running.api.maxOffset(this.names.inside(queue));
  }

  /** The first offset of the queue at a time (ms since 1970). */
  async searchOffset(queue: MessageQueue, timestampMs: number): Promise<number> {
    return this.running.api.searchOffset(this.names.inside(queue), timestampMs);
  }

  private refOf(queue: MessageQueue): ConsumeQueueRef {
    return ConsumeQueueRef.of(this.names.inside(queue));
  }

  private get running(): PullMember {
    if (this.member && !this.closing) return this.member;
    throw this.closing
      ? new MQClientError(MQClientErrorCode.SHUT_DOWN, `consumer ${this.group} was shut down`)
      : new MQClientError(MQClientErrorCode.NOT_STARTED, `consumer ${this.group} is not started; await start() first`);
  }

  private pullNow(
    queue: MessageQueue,
    selector: string | MessageSelector,
    offset: number,
    maxNums: number,
    suspendTimeoutMs: number,
    options: PullOptionsOfCall,
  ): Promise<PullResult> {
    const pull = () => this.pullUnseen(queue, selector, offset, maxNums, suspendTimeoutMs, options);
    return this.spans
      ? this.spans.around(
          queue.topic,
          async () => pull(),
          ({ messages }) => messages,
        )
      : pull();
  }

  private pullUnseen(
    queue: MessageQueue,
    selector: string | MessageSelector,
    offset: number,
    maxNums: number,
    suspendTimeoutMs: number,
    options: PullOptionsOfCall,
  ): Promise<PullResult> {
    const { key } = ConsumeQueueRef.of(queue);
    const subscription: SubscriptionData = {
      ...(typeof selector === 'string' ? MessageSelector.byTag(selector) : selector).subscriptionOf(queue.topic),
      subVersion: Date.now(),
    };
    const spec = {
      group: this.group,
      queue,
      queueOffset: integerOption('offset', offset, 0, 0, Number.MAX_SAFE_INTEGER),
      maxMessages: integerOption('maxNums', maxNums, 1),
      maxBytes: integerOption('maxBytes', options.maxBytes, PULL_BATCH_SIZE_BYTES),
      commitOffset: 0,
      subscription,
      kind: 'PULL' as const,
      suspendTimeoutMs,
      timeoutMs: integerOption('timeoutMs', options.timeoutMs, CONSUMER_PULL_TIMEOUT_MS),
      brokerId: this.options.pullFromBrokerId ?? this.suggested.get(key) ?? 0,
    };
    const { instance } = this.running;
    return new Promise((resolve, reject) => {
      pullKernel(instance, spec, (error, outcome) => {
        if (!outcome) {
          // The master will suggest anew.
          this.suggested.delete(key);
          reject(error ?? new Error('a pull ended without an answer'));
          return;
        }
        const { status, nextBeginOffset, minOffset, maxOffset, messages, suggestedBrokerId } = outcome;
        if (suggestedBrokerId === 0) this.suggested.delete(key);
        else this.suggested.set(key, suggestedBrokerId);
        const given = this.names.outsideAll(messages);
        resolve({ status, nextBeginOffset, minOffset, maxOffset, messages: given });
      });
    });
  }

  private async startNow(): Promise<void> {
    const { client } = this.options;
    const member = new PullMember(this.options, (consumer) => this.registry.acquire(client, { consumer }));
    try {
      const api = await telemetryApiFor(client);
      this.spans = api && new ReceiveSpans(new ClientTelemetry(api, member.instance.clientId, client), this.group);
      await member.start();
    } catch (error) {
      await this.registry.release(member.instance, { consumer: member });
      throw error;
    }
    this.member = member;
    this.persistTask = new PeriodicTask(
      client.persistConsumerOffsetIntervalMs,
      () => member.offsetStore.persistAll(),
      (error) => client.logger.warn(`group ${this.group}: writing offsets failed: ${errorText(error)}`),
    );
    this.persistTask.start();
  }

  private async close(): Promise<void> {
    await this.starting?.catch(() => {});
    const { member } = this;
    if (!member) return;
    try {
      await this.persistTask?.stop();
      await member.offsetStore.persistAll();
      this.registry.deregister(member.instance, { consumer: member });
      await member.instance.unregister({ consumerGroup: this.group });
    } catch (error) {
      this.options.client.logger.warn(`shutdown of consumer ${this.group}: ${errorText(error)}`);
    } finally {
      await this.registry.release(member.instance, { consumer: member });
    }
  }
}
