import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { Subscription } from 'rxjs';
import { RocketMQServer } from '../server/rocketmq.server.js';
import { pickConnection } from '../support/connection.js';
import { MODULE_OPTIONS_TOKEN } from './rocketmq-module.definition.js';
import type { RocketMQModuleOptions } from './rocketmq-module.options.js';

/**
 * Introduces the application to its `RocketMQServer`s, which are made outside of dependency injection: Nest announces each
 * transport in its module container. They get the module's connection, names for their handlers, and their intake stops in this
 * module's `onModuleDestroy`, earlier than Nest closes transports in a hybrid application.
 */
@Injectable()
export class ServerLink implements OnModuleDestroy {
  readonly servers = new Set<RocketMQServer>();
  private readonly subscription: Subscription | undefined;

  constructor(
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(MODULE_OPTIONS_TOKEN) options: RocketMQModuleOptions,
  ) {
    const connection = pickConnection(options);
    const { retry } = options;
    // Nest below 11.1.6 announces nothing: there a server needs a namesrvAddr of its own, and names for handlers are missing.
    const registry = (modules as Partial<ModulesContainer>).getRpcTargetRegistry?.call(modules);
    this.subscription = registry?.subscribe((target) => {
      if (!(target instanceof RocketMQServer)) return;
      target.attach({ modules, connection, retry });
      this.servers.add(target);
    });
  }

  onModuleDestroy(): void {
    this.subscription?.unsubscribe();
    for (const server of this.servers) server.stopIntake('application shutdown');
  }
}
