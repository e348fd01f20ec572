import type { LiveSettings } from '@rocknest/config';
import type { Clock } from './clock.js';
import type { NamesrvConfig, namesrvSettings } from './config/namesrv-settings.js';
import type { KvConfigManager } from './kvconfig/kv-config-manager.js';
import type { NamesrvLogger } from './logger.js';
import type { RouteInfoManager } from './routeinfo/route-info-manager.js';

/** What the handlers of one namesrv work on. */
export class NamesrvState {
  private readonly startedMs: number;

  constructor(
    readonly settings: LiveSettings<typeof namesrvSettings.settings>,
    readonly routes: RouteInfoManager,
    readonly kvConfig: KvConfigManager,
    readonly logger: NamesrvLogger,
    private readonly clock: Clock,
  ) {
    this.startedMs = clock();
  }

  /** Always what is in force now. */
  get config(): NamesrvConfig {
    return this.settings.values;
  }

  /** False as long as brokers are given time to register, where that is switched on. */
  isReadyForClients(): boolean {
    if (!this.config.needWaitForService) return true;
    return this.clock() - this.startedMs >= this.config.waitSecondsForService * 1_000;
  }
}
