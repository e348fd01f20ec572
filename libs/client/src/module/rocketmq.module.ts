import { Module, type DynamicModule } from '@nestjs/common';
import { PRODUCER_NAME } from '../defaults.js';
import type { ProducerDefinition } from '../producer/producer-options.js';
import { getClientToken, getLitePullConsumerToken, getProducerToken } from '../tokens.js';
import type { LitePullConsumerDefinition } from '../lite-pull/lite-pull-options.js';
import { litePullConsumer } from './lite-pull-providers.js';
import { defaultProducer, featureProducer } from './producer-providers.js';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  OPTIONS_TYPE,
} from './rocketmq-module.definition.js';
import type { ProducerAsyncDefinition } from './rocketmq-module.options.js';
import { RocketMQConsumers } from './rocketmq-consumers.js';
import { TransactionLink } from '../transaction/transaction-link.js';
import { ServerLink } from './server-link.js';

/** What `forFeature` brings in. */
export interface RocketMQFeature {
  producers?: readonly ProducerDefinition[];
  litePullConsumers?: readonly LitePullConsumerDefinition[];
}

function withRootProviders(definition: DynamicModule): DynamicModule {
  return {
    ...definition,
    providers: [
      ...(definition.providers ?? []),
      ServerLink,
      RocketMQConsumers,
      TransactionLink,
      ...defaultProducer(PRODUCER_NAME),
    ],
    // `forFeature` of other modules needs the options.
    exports: [
      ...(definition.exports ?? []),
      MODULE_OPTIONS_TOKEN,
      RocketMQConsumers,
      getProducerToken(),
      getClientToken(),
    ],
  };
}

/**
 * Brings producers into an application, and its connection to the `RocketMQServer` that consumes.
 *
 * @example
 * imports: [
 *   RocketMQModule.forRoot({ namesrvAddr: '127.0.0.1:9876', producer: { group: 'shop' } }),   // @InjectProducer()
 *   RocketMQModule.forFeature([{ name: 'audit', group: 'shop-audit' }]),                      // @InjectProducer('audit')
 *   RocketMQModule.forFeature({ litePullConsumers: [{ name: 'export', group: 'export', subscribe: { orders: '*' } }] }), // @InjectLitePullConsumer('export')
 * ]
 */
@Module({})
export class RocketMQModule extends ConfigurableModuleClass {
  /** The connection and the default producer. Import it once; it is global unless `isGlobal` is false. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return withRootProviders(super.forRoot(options));
  }

  /** The same with options that come from `useFactory`, `useClass` or `useExisting`. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return withRootProviders(super.forRootAsync(options));
  }

  /** Named producers, and lite pull consumers, with the connection of `forRoot` unless they have their own. */
  static forFeature(feature: readonly ProducerDefinition[] | RocketMQFeature): DynamicModule {
    const { producers = [], litePullConsumers = [] }: RocketMQFeature =
      'length' in feature ? { producers: feature } : feature;
    return {
      module: RocketMQModule,
      providers: [
        ...producers.flatMap(({ name, ...options }) => featureProducer(name, [], () => options)),
        ...litePullConsumers.flatMap((definition) => litePullConsumer(definition)),
      ],
      exports: [
        ...producers.flatMap(({ name }) => [getProducerToken(name), getClientToken(name)]),
        ...litePullConsumers.map(({ name }) => getLitePullConsumerToken(name)),
      ],
    };
  }

  /** Named producers whose options come from a factory. */
  static forFeatureAsync(producers: readonly ProducerAsyncDefinition[]): DynamicModule {
    return {
      module: RocketMQModule,
      imports: producers.flatMap(({ imports }) => imports ?? []),
      providers: producers.flatMap(({ name, inject, useFactory }) => featureProducer(name, inject ?? [], useFactory)),
      exports: producers.flatMap(({ name }) => [getProducerToken(name), getClientToken(name)]),
    };
  }
}
