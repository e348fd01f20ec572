import type { InjectionToken, OptionalFactoryDependency, Provider } from '@nestjs/common';
import { RocketMQClient } from '../client-proxy/rocketmq.client.js';
import { invalidOption } from '../errors.js';
import type { ProducerOptions } from '../producer/producer-options.js';
import { RocketMQProducer } from '../producer/rocketmq.producer.js';
import { pickConnection } from '../support/connection.js';
import { getClientToken, getProducerToken } from '../tokens.js';
import { MODULE_OPTIONS_TOKEN } from './rocketmq-module.definition.js';
import type { RocketMQModuleOptions } from './rocketmq-module.options.js';

function createProducer(
  name: string,
  options: ProducerOptions,
  root: RocketMQModuleOptions | undefined,
): RocketMQProducer {
  if (root === undefined && options.namesrvAddr === undefined) {
    throw invalidOption(
      `producer "${name}" of RocketMQModule.forFeature knows no bus: import RocketMQModule.forRoot() once (without isGlobal: false), or give the producer a namesrvAddr`,
    );
  }
  return new RocketMQProducer({ ...pickConnection(root ?? {}), ...options, name });
}

/** A producer and the `ClientProxy` over it. */
function pair(name: string, producer: Provider): Provider[] {
  return [
    producer,
    {
      provide: getClientToken(name),
      inject: [getProducerToken(name)],
      useFactory: (shared: RocketMQProducer) => new RocketMQClient({ producer: shared }),
    },
  ];
}

const ROOT: OptionalFactoryDependency = { token: MODULE_OPTIONS_TOKEN, optional: true };

/** Providers of a producer of `forFeature` and `forFeatureAsync`. */
export function featureProducer(
  name: string,
  inject: (InjectionToken | OptionalFactoryDependency)[],
  options: (...dependencies: unknown[]) => ProducerOptions | Promise<ProducerOptions>,
): Provider[] {
  return pair(name, {
    provide: getProducerToken(name),
    inject: [ROOT, ...inject],
    useFactory: async (root: RocketMQModuleOptions | undefined, ...dependencies: unknown[]) =>
      createProducer(name, await options(...dependencies), root),
  });
}

/** Providers of the default producer of `forRoot`. */
export function defaultProducer(name: string): Provider[] {
  return pair(name, {
    provide: getProducerToken(name),
    inject: [MODULE_OPTIONS_TOKEN],
    useFactory: (root: RocketMQModuleOptions) => createProducer(name, root.producer ?? { lazy: true }, root),
  });
}
