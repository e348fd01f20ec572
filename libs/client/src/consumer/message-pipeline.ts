import type { MessageExt } from '@rocknest/client-core';
import type { MessageHandler } from '@nestjs/microservices';
import { isObservable } from 'rxjs';
import { RocketMQContext } from '../context/rocketmq.context.js';
import type { FailurePolicy } from '../exceptions/failure-policy.js';
import type { Replier } from '../reply/replier.js';
import { isRequest } from '../reply/reply-format.js';
import type { MessageDeserializer } from '../serde/message-deserializer.js';
import { asError } from '../support/as-error.js';
import { batchFailures } from './batch-outcome.js';
import { awaitCompletion } from './completion.js';
import type { ConcurrencyGate } from './concurrency-gate.js';
import type { ProcessingHooks } from './processing-hooks.js';
import type { Failures } from './settlement.js';

/** A handler with what it takes to run it. */
export interface HandlerRoute {
  readonly label: string;
  readonly handler: MessageHandler;
  readonly gate: ConcurrencyGate;
  readonly deserializer: MessageDeserializer;
  readonly policy: FailurePolicy;
  /** True: the handler gets an array of payloads. */
  readonly batch: boolean;
  /** True: who asked gets what the handler returns or throws. */
  readonly replies: boolean;
}

const followIfObservable = (value: unknown): unknown => (isObservable(value) ? awaitCompletion(value) : value);
const noFailures = (): undefined => undefined;

/**
 * From message to finished handler: payload, context, hooks, Nest's wrapped handler (guards, interceptors, pipes, filters), and
 * its end. A handler whose method returns a promise costs no Observable here.
 */
export class MessagePipeline {
  constructor(
    private readonly group: string,
    private readonly hooks: ProcessingHooks,
    private readonly replier: Replier | undefined,
  ) {}

  /**
   * Resolves when the handler has finished with `messages` (one, unless the route takes batches), with those of a batch that failed; rejects
   * when it failed on all.
   */
  process(route: HandlerRoute, messages: readonly MessageExt[]): Promise<Failures | undefined> {
    if (route.batch) return this.processBatch(route, messages);
    if (route.replies && this.replier !== undefined && isRequest(messages[0])) {
      return this.processRequest(route, messages, this.replier);
    }
    try {
      const payload = route.deserializer.deserialize(messages[0]);
      if (payload instanceof Promise) {
        return payload.then((data) => this.run(route, data, messages)).then(noFailures);
      }
      return this.run(route, payload, messages).then(noFailures);
    } catch (error) {
      return Promise.reject(asError(error));
    }
  }

  /** A request is answered and does not come again, whatever its handler does: who asked waits now, not later. */
  private async processRequest(
    route: HandlerRoute,
    messages: readonly MessageExt[],
    replier: Replier,
  ): Promise<undefined> {
    const [request] = messages;
    let value: unknown;
    try {
      value = await this.run(route, route.deserializer.deserialize(request), messages);
    } catch (error) {
      await replier.failed(request, route.label, error);
      return undefined;
    }
    await replier.returned(request, value);
    return undefined;
  }

  /** A body that can't be read fails alone: the handler gets the others. */
  private async processBatch(route: HandlerRoute, messages: readonly MessageExt[]): Promise<Failures | undefined> {
    const failures = new Map<number, unknown>();
    const payloads: unknown[] = [];
    const given: number[] = [];
    for (const [index, message] of messages.entries()) {
      try {
        const payload = route.deserializer.deserialize(message);
        payloads.push(payload instanceof Promise ? await payload : payload);
        given.push(index);
      } catch (error) {
        failures.set(index, asError(error));
      }
    }
    if (given.length > 0) {
      const readable = given.length === messages.length ? messages : given.map((index) => messages[index]);
      for (const [at, error] of await batchFailures(this.run(route, payloads, readable), given.length)) {
        failures.set(given[at], error);
      }
    }
    return failures.size === 0 ? undefined : failures;
  }

  private run(route: HandlerRoute, data: unknown, messages: readonly MessageExt[]): Promise<unknown> {
    const context = new RocketMQContext([messages, this.group]);
    if (this.hooks.empty) return this.handle(route, data, context);
    return this.hooks.run(context, () => this.handle(route, data, context));
  }

  private handle(route: HandlerRoute, data: unknown, context: RocketMQContext): Promise<unknown> {
    return Promise.resolve<unknown>(route.handler(data, context)).then(followIfObservable);
  }
}
