import { Module } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { RemotingServerStrategy } from './remoting-server.strategy.js';

/**
 * Lets a {@link RemotingServerStrategy} find the application's `@RequestHandler` methods. A strategy is handed to Nest from
 * outside and sees wrapped methods only; this module, inside, knows the instances. Import it once, in any module.
 */
@Module({})
export class RemotingModule {
  constructor(modules: ModulesContainer) {
    modules.getRpcTargetRegistry<unknown>().subscribe((target) => {
      if (target instanceof RemotingServerStrategy) target.useModules(modules);
    });
  }
}
