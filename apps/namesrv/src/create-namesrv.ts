import { settingsInForce } from '@rocknest/config';
import { namesrvSettings, type NamesrvConfig } from './config/namesrv-settings.js';
import { silentLogger, type NamesrvLogger } from './logger.js';
import { startNamesrv, type RunningNamesrv } from './namesrv.js';

export interface CreateNamesrvOptions {
  /** Where the namesrv reports to; by default it is silent. */
  readonly logger?: NamesrvLogger;
}

/**
 * Starts a namesrv in this process.
 *
 * @param config settings that differ from the defaults; `listenPort` 0 takes any free port.
 * @throws ConfigError when a setting is wrong, DatabaseError or RemotingListenError when it cannot start.
 */
export function createNamesrv(
  config: Partial<NamesrvConfig> = {},
  options: CreateNamesrvOptions = {},
): Promise<RunningNamesrv> {
  return startNamesrv(settingsInForce(namesrvSettings, config), options.logger ?? silentLogger);
}
