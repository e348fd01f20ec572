import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { LiveSettings, type SettingsInForce } from '@rocknest/config';
import { formatAddress } from '@rocknest/remoting';
import { RemotingServerStrategy } from '@rocknest/remoting-nest';
import { systemClock, type Clock } from './clock.js';
import { namesrvSettings } from './config/namesrv-settings.js';
import { KvConfigManager } from './kvconfig/kv-config-manager.js';
import type { NamesrvLogger } from './logger.js';
import { NamesrvModule } from './namesrv.module.js';
import { NamesrvState } from './namesrv-state.js';
import { LivenessScanner } from './routeinfo/liveness-scanner.js';
import { MinBrokerIdNotifier } from './routeinfo/min-broker-id-notifier.js';
import { RouteInfoManager } from './routeinfo/route-info-manager.js';

/** A namesrv that serves. */
export interface RunningNamesrv {
  /** `host:port` under which this machine reaches it. */
  readonly address: string;
  readonly port: number;
  /** `host:port` as it listens: `0.0.0.0:9876` when it listens everywhere. */
  readonly listenAddress: string;
  readonly storePath: string;
  /** Stops: requests under way are answered, then connections and database close. May be called again. */
  close(): Promise<void>;
}

/**
 * Starts a namesrv.
 *
 * @throws ConfigError, DatabaseError or RemotingListenError, each with a message that says what to do. Nothing is left open then.
 */
export async function startNamesrv(
  started: SettingsInForce<typeof namesrvSettings.settings>,
  logger: NamesrvLogger,
  clock: Clock = systemClock,
): Promise<RunningNamesrv> {
  const { storePath, configBlackList } = started.values;
  const settings = new LiveSettings(namesrvSettings, started, {
    file: join(storePath, 'namesrv.properties'),
    blackList: configBlackList.split(';').concat('rocketmqHome'),
  });
  const config = settings.values;
  const notifier = new MinBrokerIdNotifier(logger);
  const routes = new RouteInfoManager({
    config,
    clock,
    logger,
    onMinBrokerIdChange: (change) => notifier.notify(change),
  });
  const scanner = new LivenessScanner(routes, config.scanNotActiveBrokerInterval);
  const kvConfig = await KvConfigManager.open({
    databaseUrl: config.databaseUrl,
    sqliteFile: join(storePath, 'namesrv.db'),
    maxEntries: config.maxKvEntries,
    logger,
  });
  const strategy = new RemotingServerStrategy({
    host: config.bindAddress,
    port: config.listenPort,
    maxConnections: config.maxConnections,
    maxFrameBytes: config.maxRequestBytes,
    idleTimeoutMs: config.serverChannelMaxIdleTimeSeconds * 1_000,
    closeGraceMs: config.shutdownGraceMs,
    onConnectionClose: (connection) => routes.connectionClosed(connection),
    logger,
  });
  const close = async (): Promise<void> => {
    scanner.stop();
    await notifier.close();
    await kvConfig.close();
  };
  try {
    const state = new NamesrvState(settings, routes, kvConfig, logger, clock);
    const app = await NestFactory.createMicroservice(NamesrvModule.with(state), {
      strategy,
      logger: ['error', 'warn'],
      abortOnError: false,
    });
    await app.listen();
    scanner.start();
    const [bound] = strategy.listeningAddresses;
    let closing: Promise<void> | undefined;
    return {
      address: formatAddress(reachable(bound.host), bound.port),
      port: bound.port,
      listenAddress: formatAddress(bound.host, bound.port),
      storePath,
      close: () => (closing ??= app.close().then(close)),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An address that listens everywhere is reached by loopback from here. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}
