import type { FactoryProvider, ModuleMetadata } from '@nestjs/common';
import type { ConnectionOptions } from '../core-port.js';
import type { RetryPolicy } from '../exceptions/retry-policy.js';
import type { ProducerOptions } from '../producer/producer-options.js';

/** Options of `RocketMQModule.forRoot`. */
export interface RocketMQModuleOptions extends ConnectionOptions {
  /** `host:port;host:port`. @default `NAMESRV_ADDR` of the environment, else `127.0.0.1:9876` */
  namesrvAddr?: string;
  /**
   * The default producer, which `@InjectProducer()` gets. It connects at boot; when this is left out it connects at the first
   * send, so that an application which only consumes opens no connection for it.
   */
  producer?: ProducerOptions;
  /** What becomes of messages whose handling failed, for handlers and servers that don't say it. */
  retry?: RetryPolicy;
}

/** A class that makes the options, for `forRootAsync({ useClass })` and `useExisting`. */
export interface RocketMQOptionsFactory {
  createRocketMQOptions(): RocketMQModuleOptions | Promise<RocketMQModuleOptions>;
}

/** A producer whose options are known at run time only; its name must be known at once. */
export interface ProducerAsyncDefinition extends Pick<ModuleMetadata, 'imports'> {
  name: string;
  inject?: FactoryProvider['inject'];
  useFactory: FactoryProvider<ProducerOptions>['useFactory'];
}
