export type { RunningBroker } from './broker.js';
export { type BrokerConfig, brokerSettings } from './config/broker-settings.js';
export { createBroker, type CreateBrokerOptions } from './create-broker.js';
export { BrokerStartError } from './errors.js';
export type { BrokerLogger } from './logger.js';
