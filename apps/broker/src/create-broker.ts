import { settingsInForce } from '@rocknest/config';
import type { RunningBroker } from './broker.js';
import { type BrokerConfig, brokerSettings } from './config/broker-settings.js';
import { type BrokerLogger, silentLogger } from './logger.js';
import { startBroker } from './start/start-broker.js';

export interface CreateBrokerOptions {
  /** Where the broker reports to; by default it is silent. */
  readonly logger?: BrokerLogger;
}

/**
 * Starts a broker in this process. Without `namesrvAddr` it brings its own namesrv up; with `listenPort` 0 it takes any free port, and
 * its own namesrv does too.
 *
 * @throws ConfigError when a setting is wrong, BrokerStartError or another RocknestError when the broker cannot start.
 */
export async function createBroker(
  config: Partial<BrokerConfig> = {},
  options: CreateBrokerOptions = {},
): Promise<RunningBroker> {
  const anyPort = config.listenPort === 0 && config.namesrvPort === undefined ? { namesrvPort: 0 } : {};
  const settings = settingsInForce(brokerSettings, { ...anyPort, ...config });
  return startBroker(settings, options.logger ?? silentLogger);
}
