import { Module, type DynamicModule } from '@nestjs/common';
import { RemotingModule } from '@rocknest/remoting-nest';
import { NAMESRV_HANDLERS } from './handlers/index.js';
import { KvConfigManager } from './kvconfig/kv-config-manager.js';
import { NamesrvState } from './namesrv-state.js';
import { RouteInfoManager } from './routeinfo/route-info-manager.js';

/** The namesrv as a Nest microservice: the handlers, and what they work on. */
@Module({})
export class NamesrvModule {
  static with(state: NamesrvState): DynamicModule {
    return {
      module: NamesrvModule,
      imports: [RemotingModule],
      controllers: [...NAMESRV_HANDLERS],
      providers: [
        { provide: NamesrvState, useValue: state },
        { provide: RouteInfoManager, useValue: state.routes },
        { provide: KvConfigManager, useValue: state.kvConfig },
      ],
    };
  }
}
