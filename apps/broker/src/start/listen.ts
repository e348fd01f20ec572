import { NestFactory } from '@nestjs/core';
import { RequestCode } from '@rocknest/protocol';
import { RemotingServerStrategy } from '@rocknest/remoting-nest';
import { BrokerModule } from '../broker.module.js';
import type { BrokerServices } from '../broker-services.js';
import type { BrokerConfig } from '../config/broker-settings.js';
import { VIP_PORT_OFFSET } from '../defaults.js';
import type { BrokerLogger } from '../logger.js';

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** The port for old clients takes everything but pulls, which they send to the main port. */
const NOT_ON_VIP_PORT: readonly number[] = [
  RequestCode.PULL_MESSAGE,
  RequestCode.LITE_PULL_MESSAGE,
  RequestCode.POP_MESSAGE,
  RequestCode.PEEK_MESSAGE,
  RequestCode.NOTIFICATION,
  RequestCode.POLLING_INFO,
];

/** Makes the broker a Nest microservice and opens its ports. */
export async function listen(
  services: BrokerServices,
  config: BrokerConfig,
  host: string,
  logger: BrokerLogger,
): Promise<Listener> {
  const strategy = new RemotingServerStrategy({
    host,
    port: config.listenPort,
    maxConnections: config.maxConnections,
    closeGraceMs: config.shutdownGraceMs,
    onConnectionClose: (connection) => services.connectionClosed(connection),
    logger,
  });
  const app = await NestFactory.createMicroservice(BrokerModule.with(services), {
    strategy,
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  await app.listen();
  return { port: 0, close: () => app.close() };
}
