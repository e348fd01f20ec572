import { Logger } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import {
  Server,
  type BaseRpcContext,
  type CustomTransportStrategy,
  type MessageHandler,
  type ReadPacket,
} from '@nestjs/microservices';
import { awaitCompletion } from '../consumer/completion.js';
import { planConsumers, type ConsumerPlan } from '../consumer/consumer-plan.js';
import { GroupConsumer } from '../consumer/group-consumer.js';
import { resolveHandler, type HandlerRegistration } from '../consumer/handler-entry.js';
import { ProcessingHooks, type ProcessingEndHook, type ProcessingStartHook } from '../consumer/processing-hooks.js';
import { letOriginalExceptionsThrough } from '../exceptions/original-exceptions.js';
import { checkRetryPolicy, type RetryPolicy } from '../exceptions/retry-policy.js';
import { coreClientFactory, type ConnectionOptions, type ProducerPort, type PushConsumerPort } from '../core-port.js';
import { DRAIN_TIMEOUT_MS, REPLIER_GROUP, SHUTDOWN_SIGNALS } from '../defaults.js';
import { invalidOption, RocketMQPluginError, RocketMQPluginErrorCode } from '../errors.js';
import { Replier } from '../reply/replier.js';
import { DefaultMessageSerializer } from '../serde/message-serializer.js';
import { resolveDeserializer } from '../serde/message-deserializer.js';
import { ShutdownManager } from '../shutdown/shutdown-manager.js';
import { SignalWatch } from '../shutdown/signal-watch.js';
import { BrokerLinks, type RocketMQStatus } from '../support/broker-links.js';
import { pickConnection, resolveConnection } from '../support/connection.js';
import { ROCKETMQ_TRANSPORT } from '../tokens.js';
import {
  isMeant,
  pauseConsumer,
  pausedOf,
  resumeConsumer,
  type ConsumerTarget,
  type PausedConsumer,
} from './consumer-target.js';
import { ApplicationGroups } from './application-groups.js';
import { HandlerNames } from './handler-names.js';
import type { RocketMQServerOptions } from './rocketmq-server.options.js';

/**
 * The transport strategy: `NestFactory.createMicroservice(AppModule, { strategy: new RocketMQServer({ group: 'billing' }) })`, or
 * `app.connectMicroservice({ strategy })` in a hybrid application. Consumes for every handler of the application, one consumer
 * for each group. A message is acknowledged when its handler has finished, and comes again when it failed.
 */
export class RocketMQServer extends Server<never, RocketMQStatus> implements CustomTransportStrategy {
  override readonly transportId: symbol;
  /** Failures reach the bus, which gives the message again; Nest need not report them in its place. Read by Nest 12.1 and later. */
  override readonly propagatesEventHandlerErrors = true;
  protected override readonly logger = new Logger(RocketMQServer.name);

  private readonly registrations: HandlerRegistration[] = [];
  private readonly names = new HandlerNames();
  private readonly hooks: ProcessingHooks;
  private readonly shutdown: ShutdownManager;
  private readonly signals: SignalWatch;
  private readonly links = new BrokerLinks((status) => this.report(status));
  private inherited: ConnectionOptions = {};
  private modulePolicy: RetryPolicy | undefined = undefined;
  private groups: ApplicationGroups | undefined = undefined;
  private consumers: GroupConsumer[] = [];
  private readonly replier: Replier;
  private starting: Promise<void> | undefined = undefined;

  constructor(private readonly options: RocketMQServerOptions = {}) {
    super();
    letOriginalExceptionsThrough();
    this.transportId = options.transportId ?? ROCKETMQ_TRANSPORT;
    this.hooks = new ProcessingHooks(() => this.transportId);
    const drainTimeoutMs = options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS;
    if (!Number.isFinite(drainTimeoutMs) || drainTimeoutMs < 0) {
      throw invalidOption(`drainTimeoutMs is ${drainTimeoutMs}, must be a number of milliseconds, 0 or more`);
    }
    this.replier = new Replier(
      () => this.createReplyProducer(),
      options.serializer ?? new DefaultMessageSerializer(),
      this.logger,
    );
    this.shutdown = new ShutdownManager(() => this.consumers, drainTimeoutMs, this.logger);
    this.signals = new SignalWatch(options.shutdownSignals ?? SHUTDOWN_SIGNALS, (signal) => this.stopIntake(signal));
  }

  /** Called by Nest for each handler and pattern. What can be wrong with it is told by `listen()`, where all are known. */
  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    callback.isEventHandler = isEventHandler;
    callback.extras = extras;
    const registration: HandlerRegistration = { pattern, callback, extras: extras };
    this.registrations.push(registration);
    // Nest's own map holds one handler for a pattern and chains or overwrites others; here each has a place of its own.
    const route = this.normalizePattern(pattern as string);
    this.messageHandlers.set(
      this.messageHandlers.has(route) ? `${route}#${this.registrations.length}` : route,
      callback,
    );
  }

  /** Called by `RocketMQModule`: gives the server the application's connection, and names for its handlers. */
  attach(application: {
    modules: ModulesContainer;
    connection: ConnectionOptions;
    retry?: RetryPolicy | undefined;
  }): void {
    this.names.attach(application.modules);
    this.inherited = application.connection;
    this.modulePolicy = application.retry;
    this.groups = new ApplicationGroups(application.modules, this);
  }

  override listen(callback: (error?: unknown) => unknown): void {
    this.starting ??= this.start();
    this.starting.then(
      () => callback(),
      (error: unknown) => callback(error),
    );
  }

  /** Stops the intake, waits for running handlers within `drainTimeoutMs`, commits offsets. Idempotent, and right during `listen()`. */
  override async close(): Promise<void> {
    this.stopIntake('close');
    await this.starting?.catch(() => undefined);
    await this.shutdown.close('close');
    await this.replier.close();
    this.groups?.release();
    this.signals.stop();
    this.report('disconnected');
  }

  /** No handler begins after this; what runs goes on. The first phase of `close()`, also called at a shutdown signal. */
  stopIntake(reason = 'stopIntake'): void {
    this.shutdown.stopIntake(reason);
  }

  /**
   * Lets consumers rest: a group, a topic, one queue of a topic, or all. Nothing is pulled and no handler begins there until `resume`; what runs
   * goes on. Counts for this process.
   *
   * @throws RocketMQPluginError CLIENT_INVALID_OPTION when no consumer of this server is meant.
   */
  pause(target: ConsumerTarget = {}): void {
    for (const consumer of this.meant(target)) pauseConsumer(consumer, target);
  }

  /** Ends pauses within `target`. @throws as `pause`. */
  resume(target: ConsumerTarget = {}): void {
    for (const consumer of this.meant(target)) resumeConsumer(consumer, target);
  }

  /** The groups of which something rests. */
  paused(): PausedConsumer[] {
    return this.consumers.map(pausedOf).filter(({ all, queues }) => all || queues.length > 0);
  }

  /** True when `target` means a consumer of this server. */
  consumes(target: ConsumerTarget): boolean {
    return this.consumers.some((consumer) => isMeant(consumer, target));
  }

  /** The clients of client-core, by consumer group. */
  override unwrap<T = Map<string, PushConsumerPort>>(): T {
    return new Map(this.consumers.map((consumer) => [consumer.group, consumer.consumer])) as T;
  }

  override on(): never {
    throw new RocketMQPluginError(
      RocketMQPluginErrorCode.UNSUPPORTED,
      'RocketMQServer has no events; observe `status` instead',
    );
  }

  override setOnProcessingStartHook(hook: ProcessingStartHook): void {
    this.hooks.start = hook;
  }

  override setOnProcessingEndHook(hook: ProcessingEndHook): void {
    this.hooks.end = hook;
  }

  /** Unlike the base class it resolves when the handler has finished and rejects when it failed. */
  override async handleEvent(pattern: string, packet: ReadPacket, context: BaseRpcContext): Promise<unknown> {
    const handler = this.getHandlerByPattern(pattern);
    if (!handler) {
      throw new RocketMQPluginError(RocketMQPluginErrorCode.NO_HANDLER, `there is no handler of pattern "${pattern}"`);
    }
    return awaitCompletion(handler(packet.data, context));
  }

  private async start(): Promise<void> {
    const plans = this.plan();
    if (plans.length === 0) {
      this.logger.warn(
        'no handler of this application belongs to RocketMQ: decorate controller methods with @ConcurrentConsumer, @OrderlyConsumer or @EventPattern',
      );
    }
    const { namesrvAddr } = resolveConnection(pickConnection(this.options), this.inherited);
    for (const plan of plans) this.groups?.claim(plan, namesrvAddr);
    this.consumers = plans.map((plan) => this.createConsumer(plan));
    this.signals.start();
    try {
      await this.startConsumers();
    } catch (error) {
      // Those that did start must not go on consuming behind the back of an application that failed to boot.
      await this.shutdown.close('start failed');
      this.signals.stop();
      throw error;
    }
    this.report('connected');
  }

  private async startConsumers(): Promise<void> {
    const outcomes = await Promise.allSettled(
      this.consumers.map(async (consumer) => {
        if (!this.shutdown.intakeStopped) await consumer.start();
      }),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private plan(): ConsumerPlan[] {
    const defaults = {
      group: this.options.group,
      concurrency: this.options.concurrency,
      deserializer: resolveDeserializer(this.options.deserializer),
      retry: [this.options.retry, this.modulePolicy]
        .filter((policy) => policy !== undefined)
        .map((policy) => checkRetryPolicy(policy)),
    };
    const handlers = this.registrations.map((registration) =>
      resolveHandler(registration, this.names.of(registration.extras, registration.pattern), defaults),
    );
    return planConsumers(handlers, this.options.consumer);
  }

  private meant(target: ConsumerTarget): GroupConsumer[] {
    const consumers = this.consumers.filter((consumer) => isMeant(consumer, target));
    if (consumers.length > 0) return consumers;
    throw invalidOption(
      `no consumer is ${JSON.stringify(target)}; there are ${this.consumers.map(({ group, topics }) => `${group} (${[...topics].join(', ')})`).join('; ') || 'none before listen()'}`,
    );
  }

  private createConsumer(plan: ConsumerPlan): GroupConsumer {
    const { clientFactory = coreClientFactory, ...connection } = resolveConnection(
      pickConnection(this.options),
      this.inherited,
    );
    const consumer = clientFactory.createPushConsumer({
      ...connection,
      ...plan.options,
      group: plan.group,
      concurrency: plan.concurrency,
      consumeMessageBatchMaxSize: plan.consumeMessageBatchMaxSize,
      logger: this.logger,
      onStatus: this.links.onStatus,
    });
    const topics = [...plan.subscriptions].map(([topic, selector]) => {
      const expression = typeof selector === 'string' ? selector : selector.expression;
      return expression === '*' ? topic : `${topic} (${expression})`;
    });
    const how = plan.orderly ? ' in order' : '';
    this.logger.log(`group ${plan.group} consumes ${topics.join(', ')}${how} from ${connection.namesrvAddr}`);
    return new GroupConsumer({ plan, consumer, hooks: this.hooks, logger: this.logger, replier: this.replier });
  }

  private createReplyProducer(): ProducerPort {
    const { clientFactory = coreClientFactory, ...connection } = resolveConnection(
      pickConnection(this.options),
      this.inherited,
    );
    return clientFactory.createProducer({ ...connection, group: REPLIER_GROUP, logger: this.logger });
  }

  private report(status: RocketMQStatus): void {
    this._status$.next(status);
  }
}
