import type { ConnectionOptions } from '../core-port.js';
import { NAMESRV_ADDR } from '../defaults.js';

/**
 * `own` over `inherited` options, undefined ones counting as absent; without an address that of the environment, or that of a bus
 * on this machine.
 */
export function resolveConnection<T extends ConnectionOptions>(
  own: T,
  inherited: ConnectionOptions = {},
  env: NodeJS.ProcessEnv = process.env,
): T & { namesrvAddr: string } {
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) as T;
  const merged = { ...inherited, ...given };
  return { ...merged, namesrvAddr: merged.namesrvAddr || env['NAMESRV_ADDR'] || NAMESRV_ADDR };
}

/** Every name of `ConnectionOptions`; the type makes a forgotten one an error. */
const NAMES: Record<keyof ConnectionOptions, true> = {
  namesrvAddr: true,
  clientIp: true,
  instanceName: true,
  unitName: true,
  namespace: true,
  namespaceV2: true,
  pollNameServerIntervalMs: true,
  pollMissingRouteIntervalMs: true,
  heartbeatIntervalMs: true,
  brokerPingIntervalMs: true,
  persistConsumerOffsetIntervalMs: true,
  mqClientApiTimeoutMs: true,
  startAttempts: true,
  startRetryIntervalMs: true,
  serializeType: true,
  enableMsgTrace: true,
  customizedTraceTopic: true,
  traceMsgBatchNum: true,
  traceFlushIntervalMs: true,
  openTelemetry: true,
  clientFactory: true,
};

/** The connection options among options that hold more. */
export function pickConnection(options: ConnectionOptions): ConnectionOptions {
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => name in NAMES && value !== undefined));
}
