import { AsyncResource } from 'node:async_hooks';
import type { HandOver, MessageExt, MessageQueue } from '@rocknest/client-core';
import type { LoggerService } from '@nestjs/common';
import type { PushConsumerPort } from '../core-port.js';
import { ConcurrencyGate } from './concurrency-gate.js';
import type { ConsumerPlan } from './consumer-plan.js';
import { HandlerRouter } from './handler-router.js';
import { MessagePipeline, type HandlerRoute } from './message-pipeline.js';
import type { Replier } from '../reply/replier.js';
import type { ProcessingHooks } from './processing-hooks.js';
import { OrderlySettlement } from './orderly-settlement.js';
import { Settlement, type GroupSettlement } from './settlement.js';

export interface GroupConsumerParts {
  plan: ConsumerPlan;
  consumer: PushConsumerPort;
  hooks: ProcessingHooks;
  logger: LoggerService;
  /** Answers requests. */
  replier?: Replier;
}

/** What a consumer's context has that both kinds of consumption need. */
interface GroupContext {
  readonly messageQueue: MessageQueue;
  readonly handOver?: HandOver | undefined;
}

const HANDS_OVER = { handsOver: true };

/** One consumer group at work: process queue (client-core) -> concurrency gate -> message pipeline -> settlement. */
export class GroupConsumer {
  readonly group: string;
  readonly consumer: PushConsumerPort;
  readonly topics: ReadonlySet<string>;
  /** Highest offset that was begun, by queue. Kept where handlers share a group: only there one message waits while a later one runs. */
  private readonly begun = new WeakMap<MessageQueue, number>();
  private readonly router = new HandlerRouter<HandlerRoute>();
  private readonly gates: ConcurrencyGate[] = [];
  private readonly pipeline: MessagePipeline;
  /** Sockets carry the async context in which they were opened, perhaps that of a user's HTTP request: handlers start from this one. */
  private readonly scope = new AsyncResource('RocketMQConsumer');

  constructor(parts: GroupConsumerParts) {
    const { plan, consumer } = parts;
    this.group = plan.group;
    this.consumer = consumer;
    this.pipeline = new MessagePipeline(plan.group, parts.hooks, parts.replier);
    for (const entry of plan.handlers) {
      const gate = new ConcurrencyGate(entry.concurrency);
      this.gates.push(gate);
      this.router.add(entry.topic, entry.tags, {
        label: entry.label,
        handler: entry.callback,
        gate,
        deserializer: entry.deserializer,
        policy: entry.policy,
        batch: entry.batchMaxMessages !== undefined,
        replies: entry.callback.isEventHandler === false,
      });
    }
    this.topics = new Set(plan.subscriptions.keys());
    for (const [topic, expression] of plan.subscriptions) consumer.subscribe(topic, expression);
    if (plan.orderly) {
      const settlement = new OrderlySettlement(plan.group, parts.logger);
      consumer.registerMessageListenerOrderly(
        (messages, context) => this.enter(settlement, messages, context),
        HANDS_OVER,
      );
    } else {
      const settlement = new Settlement(plan.group, parts.logger, plan.maxReconsumeTimes);
      consumer.registerMessageListener((messages, context) => this.enter(settlement, messages, context), HANDS_OVER);
    }
  }

  /** Handlers that run. */
  get running(): number {
    return this.gates.reduce((sum, gate) => sum + gate.running, 0);
  }

  start(): Promise<void> {
    return this.consumer.start();
  }

  /** No handler begins after this. */
  stopIntake(): void {
    for (const gate of this.gates) gate.close();
    this.consumer.stopIntake();
  }

  /** No handler begins any more, not even for what others have overtaken. */
  giveUp(): void {
    for (const gate of this.gates) gate.giveUp();
  }

  /** Resolves when no handler runs. */
  async whenIdle(): Promise<void> {
    await Promise.all(this.gates.map((gate) => gate.whenIdle()));
  }

  private enter<C extends GroupContext, R>(
    settlement: GroupSettlement<C, R>,
    messages: readonly MessageExt[],
    context: C,
  ): Promise<R> | R {
    return this.scope.runInAsyncScope(() => this.consume(settlement, messages, context));
  }

  private consume<C extends GroupContext, R>(
    settlement: GroupSettlement<C, R>,
    messages: readonly MessageExt[],
    context: C,
  ): Promise<R> | R {
    const first = messages[0];
    const route = this.routeOf(first);
    if (route === undefined) return settlement.unhandled(first, context);
    const mine = messages.length === 1 ? messages : this.leading(route, messages);
    const run = (): Promise<R> => {
      if (this.gates.length > 1) this.remember(context.messageQueue, mine);
      const handle = () => this.pipeline.process(route, mine);
      return (context.handOver?.(mine.length, handle) ?? handle()).then(
        (failures) => {
          route.gate.leave();
          return failures === undefined
            ? settlement.handled(messages, mine.length, context)
            : settlement.failed(route, messages, mine.length, failures, context);
        },
        (error: unknown) => {
          route.gate.leave();
          const failures = new Map(mine.map((_, index) => [index, error]));
          return settlement.failed(route, messages, mine.length, failures, context);
        },
      );
    };
    if (route.gate.tryEnter()) return run();
    // At a shutdown, what later messages of its queue have overtaken must be handled too: the offset stays before it, and they would come again.
    const isOvertaken = (): boolean => (this.begun.get(context.messageQueue) ?? -1) > first.queueOffset;
    return route.gate.enter(isOvertaken).then((entered) => (entered ? run() : settlement.notBegun()));
  }

  private remember(queue: MessageQueue, messages: readonly MessageExt[]): void {
    const { queueOffset } = messages[messages.length - 1];
    if (queueOffset > (this.begun.get(queue) ?? -1)) this.begun.set(queue, queueOffset);
  }

  private routeOf(message: MessageExt): HandlerRoute | undefined {
    return this.router.find(message.topic, message.properties['TAGS']);
  }

  /** The first messages that the route may get in one call: as many as are its own, one if it takes no batches. */
  private leading(route: HandlerRoute, messages: readonly MessageExt[]): readonly MessageExt[] {
    let count = 1;
    if (route.batch) while (count < messages.length && this.routeOf(messages[count]) === route) count++;
    return count === messages.length ? messages : messages.slice(0, count);
  }
}
