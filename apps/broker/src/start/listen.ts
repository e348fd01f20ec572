import { createServer } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { RequestCode } from '@rocknest/protocol';
import { type AdditionalListener, RemotingServerStrategy } from '@rocknest/remoting-nest';
import { BrokerModule } from '../broker.module.js';
import type { BrokerServices } from '../broker-services.js';
import type { BrokerConfig } from '../config/broker-settings.js';
import { VIP_PORT_OFFSET } from '../defaults.js';
import type { BrokerLogger } from '../logger.js';

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** The port for old clients takes everything but what is held back until there is a message, which they send to the main port. */
const NOT_ON_VIP_PORT: readonly number[] = [
  RequestCode.PULL_MESSAGE,
  RequestCode.LITE_PULL_MESSAGE,
  RequestCode.POP_MESSAGE,
  RequestCode.PEEK_MESSAGE,
  RequestCode.NOTIFICATION,
  RequestCode.POLLING_INFO,
];

/**
 * Makes the broker a Nest microservice and opens its ports.
 *
 * @throws RemotingListenError when the port is in use.
 */
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
    idleTimeoutMs: config.serverChannelMaxIdleTimeSeconds * 1_000,
    firstFrameTimeoutMs: config.firstFrameTimeoutMs,
    partialFrameTimeoutMs: config.partialFrameTimeoutMs,
    closeGraceMs: config.shutdownGraceMs,
    onConnectionClose: (connection) => services.connectionClosed(connection),
    logger,
    additionalListeners: await vipListener(config, host, logger),
  });
  const app = await NestFactory.createMicroservice(BrokerModule.with(services), {
    strategy,
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  await app.listen();
  return { port: strategy.listeningAddresses[0].port, close: () => app.close() };
}

async function vipListener(config: BrokerConfig, host: string, logger: BrokerLogger): Promise<AdditionalListener[]> {
  const port = config.listenPort - VIP_PORT_OFFSET;
  if (!config.vipChannelEnable || port <= 0) return [];
  if (await isFree(host, port)) return [{ port, excludeCodes: NOT_ON_VIP_PORT }];
  logger.warn(
    `port ${port}, the VIP port of clients up to 4.4, is in use: those clients need vipChannelEnabled=false. Set vipChannelEnable=false to start without it.`,
  );
  return [];
}

/** Nobody would notice a missing VIP port, so it is tried beforehand instead of failing the start. */
function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host, port }, () => probe.close(() => resolve(true)));
  });
}
