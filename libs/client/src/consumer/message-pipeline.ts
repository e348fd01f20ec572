import type { MessageExt } from '@rocknest/client-core';
import type { MessageHandler } from '@nestjs/microservices';
import { isObservable } from 'rxjs';
import { RocketMQContext } from '../context/rocketmq.context.js';
import type { MessageDeserializer } from '../serde/message-deserializer.js';
import { asError } from '../support/as-error.js';
import { awaitCompletion } from './completion.js';
import type { ConcurrencyGate } from './concurrency-gate.js';
import type { ProcessingHooks } from './processing-hooks.js';

/** A handler with what it takes to run it. */
export interface HandlerRoute {
  readonly label: string;
  readonly handler: MessageHandler;
  readonly gate: ConcurrencyGate;
  readonly deserializer: MessageDeserializer;
  /** True: the handler gets an array of payloads. */
  readonly batch: boolean;
}

const followIfObservable = (value: unknown): unknown => (isObservable(value) ? awaitCompletion(value) : value);

/**
 * From message to finished handler: payload, context, hooks, Nest's wrapped handler (guards, interceptors, pipes, filters), and
 * its end. A handler whose method returns a promise costs no Observable here.
 */
export class MessagePipeline {
  constructor(
    private readonly group: string,
    private readonly hooks: ProcessingHooks,
  ) {}

  /** Resolves when the handler has finished with `messages` (one, unless the route takes batches); rejects when it failed. */
  process(route: HandlerRoute, messages: readonly MessageExt[]): Promise<unknown> {
    try {
      const { deserializer } = route;
      const data: unknown = route.batch
        ? messages.map((message) => deserializer.deserialize(message))
        : deserializer.deserialize(messages[0]);
      const context = new RocketMQContext([messages, this.group]);
      if (this.hooks.empty) return this.handle(route, data, context);
      return this.hooks.run(context, () => this.handle(route, data, context));
    } catch (error) {
      return Promise.reject(asError(error));
    }
  }

  private handle(route: HandlerRoute, data: unknown, context: RocketMQContext): Promise<unknown> {
    return Promise.resolve<unknown>(route.handler(data, context)).then(followIfObservable);
  }
}
