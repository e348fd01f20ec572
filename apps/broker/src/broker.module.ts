import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { RemotingModule } from '@rocknest/remoting-nest';
import type { BrokerServices } from './broker-services.js';
import { BROKER_HANDLERS } from './handlers/index.js';

/** The broker as a Nest microservice: the handlers, and what they are given. */
@Module({})
export class BrokerModule {
  static with(services: BrokerServices): DynamicModule {
    const providers: Provider[] = Array.from(services.all(), ([provide, useValue]) => ({ provide, useValue }));
    return { module: BrokerModule, imports: [RemotingModule], controllers: [...BROKER_HANDLERS], providers };
  }
}
