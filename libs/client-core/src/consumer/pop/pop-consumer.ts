import { MASTER_ID, MessageConst, PopInitMode, type MessageExt, type MessageQueue } from '@rocknest/protocol';
import {
  BROKER_SUSPEND_MAX_TIME_MS,
  MAX_POP_INVISIBLE_TIME_MS,
  MIN_POP_INVISIBLE_TIME_MS,
  POP_BATCH_NUMS,
  POP_INVISIBLE_TIME_MS,
} from '../../defaults.js';
import { errorText, MQClientError, MQClientErrorCode } from '../../errors.js';
import { clientInstances, type ClientInstanceRegistry } from '../../instance/client-instance-registry.js';
import type { ClientInstance } from '../../instance/client-instance.js';
import { resolveClientOptions, type ClientOptions, type ResolvedClientOptions } from '../../options.js';
import { integerOption, invalidArgument } from '../../support/check.js';
import { clientNames, type ClientNames } from '../../support/namespace.js';
import { ClientTelemetry, telemetryApiFor } from '../../telemetry/client-telemetry.js';
import { ReceiveSpans } from '../../telemetry/receive-spans.js';
import type { MessageSelector } from '../message-selector.js';
import { checkGroup } from '../push-consumer-options.js';
import { Subscriptions } from '../subscriptions.js';
import { PopApi, type PopAnswer } from './pop-api.js';
import { PopMember } from './pop-member.js';
import { receiptOf } from './popped-messages.js';
import type { PopReceipt } from './pop-lease.js';

/** Longest time that a broker is asked to hold a pop. */
const MAX_POLL_TIME_MS = 60_000;

export interface PopConsumerOptions extends ClientOptions {
  /** The group whose messages are popped. */
  group: string;
  /** Where a group begins that has no progress yet: CONSUME_FROM_LAST_OFFSET. */
  consumeFromWhere?: 'CONSUME_FROM_LAST_OFFSET' | 'CONSUME_FROM_FIRST_OFFSET';
  /** ms for which popped messages are the popper's alone: 60,000, from 5,000 to 300,000. */
  invisibleTimeMs?: number;
}

export interface PopOptionsOfCall {
  /** `*` (default), tags like `created || paid`, or `MessageSelector.bySql(...)`; the same for all members of the group. */
  selector?: string | MessageSelector;
  /** 1 to 32: 32. */
  maxMessages?: number;
  /** Instead of the consumer's, 5,000 to 300,000. */
  invisibleTimeMs?: number;
  /** ms that the broker may hold the call when there is nothing: 15,000; 0 answers at once. */
  pollTimeMs?: number;
  /** One queue, or with queue id -1 one broker. Default: all queues of a broker, the brokers of the topic in turns. */
  queue?: MessageQueue;
  /** In order: a queue gives nothing more until what was popped of it is acknowledged, or visible again. */
  order?: boolean;
  /** With `order`: a call that repeats this id gets again what it did not acknowledge, after a lost answer. */
  attemptId?: string;
}

/**
 * Pops messages when the program asks for them, and acknowledges each by itself: no listener, no rebalance, no offsets. What is neither
 * acknowledged nor given a new time in `invisibleTimeMs` comes again to whoever pops. For a listener use `PushConsumer` with `mode: 'pop'`.
 */
export class PopConsumer {
  /** As brokers know it: with its namespace. */
  readonly group: string;
  private readonly names: ClientNames;
  private readonly client: ResolvedClientOptions;
  private readonly subscriptions: Subscriptions;
  private readonly selectors = new Map<string, string | MessageSelector>();
  private readonly invisibleTimeMs: number;
  private readonly initMode: number;
  private readonly member: PopMember;
  private instance: ClientInstance | undefined = undefined;
  private api: PopApi | undefined = undefined;
  private spans: ReceiveSpans | undefined = undefined;
  private starting: Promise<void> | undefined = undefined;
  private closing: Promise<void> | undefined = undefined;
  private turn = 0;

  /** @throws MQClientError INVALID_ARGUMENT or INVALID_NAMESRV_ADDR. */
  constructor(
    options: PopConsumerOptions,
    private readonly registry: ClientInstanceRegistry = clientInstances,
  ) {
    checkGroup(options.group);
    this.client = resolveClientOptions(options);
    this.names = clientNames(this.client.namespace);
    this.group = this.names.wrap(options.group);
    this.subscriptions = new Subscriptions(this.group);
    this.invisibleTimeMs = invisibleTime(options.invisibleTimeMs, POP_INVISIBLE_TIME_MS);
    const where = options.consumeFromWhere ?? 'CONSUME_FROM_LAST_OFFSET';
    if (where !== 'CONSUME_FROM_LAST_OFFSET' && where !== 'CONSUME_FROM_FIRST_OFFSET') {
      throw invalidArgument(
        `option consumeFromWhere is "${String(where)}", must be CONSUME_FROM_LAST_OFFSET or CONSUME_FROM_FIRST_OFFSET for pops`,
      );
    }
    this.initMode = where === 'CONSUME_FROM_FIRST_OFFSET' ? PopInitMode.MIN : PopInitMode.MAX;
    this.member = new PopMember(this.group, where, this.subscriptions, this.client.onStatus);
  }

  /**
   * Connects. After a failure the next call tries anew.
   *
   * @throws MQClientError NAMESRV_UNREACHABLE, ALREADY_STARTED (the named instance has this group), SHUT_DOWN.
   */
  start(): Promise<void> {
    if (this.closing) return Promise.reject(this.notUsable());
    this.starting ??= this.startNow().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  /**
   * Takes messages of a topic for `invisibleTimeMs`.
   *
   * @returns up to `maxMessages`, none when nothing came in `pollTimeMs`.
   * @throws MQClientError INVALID_ARGUMENT, NO_ROUTE, BROKER_NOT_FOUND, TIMEOUT, CONNECTION_FAILED, NOT_STARTED, SHUT_DOWN;
   *   MQBrokerError for what the broker refused, POLLING_FULL when too many calls wait at it already.
   */
  async pop(topic: string, options: PopOptionsOfCall = {}): Promise<MessageExt[]> {
    const pop = () => this.popNow(topic, options);
    return this.spans ? this.spans.around(topic, pop, (messages) => messages) : pop();
  }

  private async popNow(topicInside: string, options: PopOptionsOfCall): Promise<MessageExt[]> {
    const { instance, api } = this.running();
    const topic = this.names.wrap(topicInside);
    const maxMessages = integerOption('maxMessages', options.maxMessages, POP_BATCH_NUMS, 1, POP_BATCH_NUMS);
    const pollTimeMs = integerOption('pollTimeMs', options.pollTimeMs, BROKER_SUSPEND_MAX_TIME_MS, 0, MAX_POLL_TIME_MS);
    const invisibleTimeMs = invisibleTime(options.invisibleTimeMs, this.invisibleTimeMs);
    await this.subscribe(instance, topic, options.selector ?? '*');
    const queue = options.queue ? this.names.inside(options.queue) : this.nextBroker(instance, topic);
    const subscription = this.subscriptions.of(topic)!;
    const answer = await new Promise<PopAnswer>((resolve, reject) => {
      api.pop(
        {
          group: this.group,
          queue,
          subscription,
          maxMessages,
          invisibleTimeMs,
          pollTimeMs,
          initMode: this.initMode,
          order: options.order ?? false,
          attemptId: options.attemptId,
        },
        (error, result) => (result ? resolve(result) : reject(error ?? new Error('no answer'))),
      );
    });
    if (answer.status === 'POLLING_FULL') {
      throw new MQClientError(
        MQClientErrorCode.BROKER_ERROR,
        `pop of ${topic}: too many calls wait at broker ${queue.brokerName} already; fewer calls at once, or a shorter pollTimeMs`,
        { retriable: true },
      );
    }
    for (const { receipt } of answer.filtered) await api.ack(this.group, receipt);
    return this.names.outsideAll(answer.leases.map(({ message }) => message));
  }

  /** The message was handled: it does not come again. @throws MQBrokerError, MQClientError TIMEOUT or CONNECTION_FAILED: call it again then. */
  async ack(message: MessageExt): Promise<void> {
    const { api } = this.running();
    const receipt = receiptOfMessage(this.names.inside(message));
    const ack = () => api.ack(this.group, receipt);
    await (this.spans ? this.spans.settle('ack', message, ack) : ack());
  }

  /**
   * The message stays invisible for so long from now on: longer for a handler that needs more time, short for one that gives it up. From then on
   * this very object (its property POP_CK) is what `ack` takes.
   */
  async changeInvisibleTime(message: MessageExt, invisibleTimeMs: number): Promise<void> {
    const timeMs = integerOption('invisibleTimeMs', invisibleTimeMs, 0, 0);
    const receipt = receiptOfMessage(this.names.inside(message));
    const { api } = this.running();
    const change = () => api.changeInvisibleTime(this.group, receipt, timeMs);
    const changed = await (this.spans ? this.spans.settle('change_invisible_time', message, change) : change());
    message.properties[MessageConst.POP_CK] = changed.extraInfo;
  }

  /** Takes leave of the brokers. Messages that are not acknowledged come again. Never rejects. */
  shutdown(): Promise<void> {
    this.closing ??= this.close();
    return this.closing;
  }

  private async startNow(): Promise<void> {
    const instance = this.registry.acquire(this.client, { consumer: this.member });
    try {
      const api = await telemetryApiFor(this.client);
      this.spans = api && new ReceiveSpans(new ClientTelemetry(api, instance.clientId, this.client), this.group);
      await instance.start();
    } catch (error) {
      await this.registry.release(instance, { consumer: this.member });
      throw error;
    }
    this.instance = instance;
    this.api = new PopApi(instance);
  }

  private async close(): Promise<void> {
    await this.starting?.catch(() => {});
    const { instance, member } = this;
    if (!instance) return;
    try {
      for (const topic of this.selectors.keys()) instance.routes.unuse(topic);
      this.registry.deregister(instance, { consumer: member });
      await instance.unregister({ consumerGroup: this.group });
    } catch (error) {
      this.client.logger.warn(`shutdown of pop consumer ${this.group}: ${errorText(error)}`);
    } finally {
      await this.registry.release(instance, { consumer: member });
    }
  }

  /** Brokers must know the group and what it takes before they let it pop. */
  private async subscribe(instance: ClientInstance, topic: string, selector: string | MessageSelector): Promise<void> {
    const known = this.selectors.get(topic);
    if (known !== undefined && sameSelector(known, selector)) return;
    this.subscriptions.put(topic, selector);
    if (known === undefined) {
      try {
        await instance.routes.refresh(topic);
        if (!instance.routes.subscribeQueues(topic)) throw noRoute(topic);
      } catch (error) {
        this.subscriptions.remove(topic);
        throw error;
      }
      instance.routes.use(topic);
    }
    this.selectors.set(topic, selector);
    await instance.heartbeats.sendToAll();
  }

  private nextBroker(instance: ClientInstance, topic: string): MessageQueue {
    const queues = instance.routes.subscribeQueues(topic);
    if (!queues) throw noRoute(topic);
    const names = [...new Set(queues.map(({ brokerName }) => brokerName))];
    const masters = names.filter((name) => instance.brokers.find(name, MASTER_ID, true) !== undefined);
    if (masters.length === 0) {
      throw new MQClientError(MQClientErrorCode.BROKER_NOT_FOUND, `topic ${topic} has no master; pops need one`, {
        retriable: true,
      });
    }
    return { topic, brokerName: masters[this.turn++ % masters.length], queueId: -1 };
  }

  private running(): { instance: ClientInstance; api: PopApi } {
    const { instance, api } = this;
    if (this.closing || !instance || !api) throw this.notUsable();
    return { instance, api };
  }

  private notUsable(): MQClientError {
    return this.closing
      ? new MQClientError(MQClientErrorCode.SHUT_DOWN, `pop consumer ${this.group} was shut down`)
      : new MQClientError(
          MQClientErrorCode.NOT_STARTED,
          `pop consumer ${this.group} is not started; await start() first`,
        );
  }
}

function invisibleTime(value: number | undefined, fallback: number): number {
  return integerOption('invisibleTimeMs', value, fallback, MIN_POP_INVISIBLE_TIME_MS, MAX_POP_INVISIBLE_TIME_MS);
}

function sameSelector(a: string | MessageSelector, b: string | MessageSelector): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return a.expression === b.expression;
}

function noRoute(topic: string): MQClientError {
  return new MQClientError(MQClientErrorCode.NO_ROUTE, `no namesrv knows topic "${topic}"`, { details: { topic } });
}

/** @throws MQClientError INVALID_ARGUMENT for a message that was not popped. */
function receiptOfMessage(message: MessageExt): PopReceipt {
  const extraInfo = message.properties[MessageConst.POP_CK];
  if (extraInfo === undefined) {
    throw invalidArgument(`message ${message.msgId} was not popped: it has no property ${MessageConst.POP_CK}`);
  }
  return receiptOf(message.topic, extraInfo, message.queueOffset);
}
