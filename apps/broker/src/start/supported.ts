import type { BrokerConfig } from '../config/broker-settings.js';
import { BrokerStartError } from '../errors.js';

/** @throws BrokerStartError when the configuration asks for what this version does not do. */
export function checkSupported(config: BrokerConfig): void {
  if (config.brokerId !== 0) {
    throw new BrokerStartError(
      'BROKER_SLAVE_NOT_SUPPORTED',
      `brokerId is ${config.brokerId}, a slave: this version has no replication. Use brokerId 0, with a brokerName of its own for each broker.`,
    );
  }
}
