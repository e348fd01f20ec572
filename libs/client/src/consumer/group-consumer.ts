import { AsyncResource } from 'node:async_hooks';
import type { MessageExt } from '@rocknest/client-core';
import type { LoggerService } from '@nestjs/common';
import type { PushConsumerPort } from '../core-port.js';
import { ConcurrencyGate } from './concurrency-gate.js';
import type { ConsumerPlan } from './consumer-plan.js';
import { HandlerRouter } from './handler-router.js';
import { MessagePipeline, type HandlerRoute } from './message-pipeline.js';
import type { ProcessingHooks } from './processing-hooks.js';
import { OrderlySettlement } from './orderly-settlement.js';
import { Settlement, type GroupSettlement } from './settlement.js';

export interface GroupConsumerParts {
  plan: ConsumerPlan;
  consumer: PushConsumerPort;
  hooks: ProcessingHooks;
  logger: LoggerService;
}

/** One consumer group at work: process queue (client-core) -> concurrency gate -> message pipeline -> settlement. */
export class GroupConsumer {
  readonly group: string;
  readonly consumer: PushConsumerPort;
  private readonly router = new HandlerRouter<HandlerRoute>();
  private readonly gates: ConcurrencyGate[] = [];
  private readonly pipeline: MessagePipeline;
  /** Sockets carry the async context in which they were opened, perhaps that of a user's HTTP request: handlers start from this one. */
  private readonly scope = new AsyncResource('RocketMQConsumer');

  constructor(parts: GroupConsumerParts) {
    const { plan, consumer } = parts;
    this.group = plan.group;
    this.consumer = consumer;
    this.pipeline = new MessagePipeline(plan.group, parts.hooks);
    for (const entry of plan.handlers) {
      const gate = new ConcurrencyGate(entry.concurrency);
      this.gates.push(gate);
      this.router.add(entry.topic, entry.tags, {
        label: entry.label,
        handler: entry.callback,
        gate,
        deserializer: entry.deserializer,
        batch: entry.batchMaxMessages !== undefined,
      });
    }
    for (const [topic, expression] of plan.subscriptions) consumer.subscribe(topic, expression);
    if (plan.orderly) {
      const settlement = new OrderlySettlement(plan.group, parts.logger);
      consumer.registerMessageListenerOrderly((messages, context) => this.enter(settlement, messages, context));
    } else {
      const settlement = new Settlement(plan.group, parts.logger);
      consumer.registerMessageListener((messages, context) => this.enter(settlement, messages, context));
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

  /** Resolves when no handler runs. */
  async whenIdle(): Promise<void> {
    await Promise.all(this.gates.map((gate) => gate.whenIdle()));
  }

  private enter<C, R>(settlement: GroupSettlement<C, R>, messages: readonly MessageExt[], context: C): Promise<R> | R {
    return this.scope.runInAsyncScope(() => this.consume(settlement, messages, context));
  }

  private consume<C, R>(
    settlement: GroupSettlement<C, R>,
    messages: readonly MessageExt[],
    context: C,
  ): Promise<R> | R {
    const first = messages[0];
    const route = this.routeOf(first);
    if (route === undefined) return settlement.unhandled(first, context);
    const mine = messages.length === 1 ? messages : this.leading(route, messages);
    const run = (): Promise<R> =>
      this.pipeline.process(route, mine).then(
        () => {
          route.gate.leave();
          return settlement.handled(messages, mine.length, context);
        },
        (error: unknown) => {
          route.gate.leave();
          return settlement.failed(route.label, mine, error, context);
        },
      );
    if (route.gate.tryEnter()) return run();
    return route.gate.enter().then((entered) => (entered ? run() : settlement.notBegun()));
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
