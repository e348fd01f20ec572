import type { ConnectionOptions } from '../core-port.js';
import { NAMESRV_ADDR } from '../defaults.js';

/**
 * The connection options that count: `own` over `inherited` over the environment over the address of a bus on this machine.
 * Options that are undefined count as absent.
 */
export function resolveConnection(
  own: ConnectionOptions,
  inherited: ConnectionOptions = {},
  env: NodeJS.ProcessEnv = process.env,
): ConnectionOptions & { namesrvAddr: string } {
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) as ConnectionOptions;
  const merged = { ...inherited, ...given };
  return { ...merged, namesrvAddr: merged.namesrvAddr || env['NAMESRV_ADDR'] || NAMESRV_ADDR };
}

/** Names of `ConnectionOptions`, to take them out of options that hold more. */
const CONNECTION_OPTION_NAMES = [
  'namesrvAddr',
  'clientIp',
  'instanceName',
  'unitName',
  'pollNameServerIntervalMs',
  'pollMissingRouteIntervalMs',
  'heartbeatIntervalMs',
  'persistConsumerOffsetIntervalMs',
  'mqClientApiTimeoutMs',
  'startAttempts',
  'startRetryIntervalMs',
  'serializeType',
  'clientFactory',
] as const satisfies readonly (keyof ConnectionOptions)[];

export function pickConnection(options: ConnectionOptions): ConnectionOptions {
  const picked: Record<string, unknown> = {};
  for (const name of CONNECTION_OPTION_NAMES) if (options[name] !== undefined) picked[name] = options[name];
  return picked;
}
