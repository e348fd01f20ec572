import * as defaults from './defaults.js';
import type { ConnectionStatus } from './instance/client-members.js';
import { consoleLogger, type ClientLogger } from './logger.js';
import { parseNamesrvAddr } from './namesrv/namesrv-addresses.js';
import { integerOption, invalidArgument } from './support/check.js';
import { ClientNamespace, namespaceV2Option, type NamespaceOptions } from './support/namespace.js';
import { resolveTraceOptions, type ResolvedTraceOptions, type TraceOptions } from './trace/trace-options.js';

/** What producers, consumers and `MQAdmin` have in common (RocketMQ: `client/ClientConfig.java`). Times are ms. */
export interface ClientOptions extends TraceOptions, NamespaceOptions {
  /** `host:port;host:port`. Default: `NAMESRV_ADDR` of the environment. */
  namesrvAddr?: string;
  /** The address that stands in the client id. Default: the first IPv4 address that is not loopback. */
  clientIp?: string;
  /**
   * Second part of the client id. Clients of one process with equal name share connections and heartbeats. Default: one name for
   * the whole process, and a further one for each second producer or consumer of the same group.
   */
  instanceName?: string;
  /** Third part of the client id. */
  unitName?: string;
  /** Between two looks at the routes in use: 30,000. */
  pollNameServerIntervalMs?: number;
  /** Between two looks for a subscribed topic that no namesrv knows: 2,000. */
  pollMissingRouteIntervalMs?: number;
  /** Between two heartbeats: 30,000. A broker forgets a silent client after 120,000. */
  heartbeatIntervalMs?: number;
  /**
   * Silence after which a broker that has slaves, and owes answers to pulls, is asked for a sign of life: 400. When that does not come within three quarters of
   * it, pulls go to another broker of the group until it answers again. 0: never.
   */
  brokerPingIntervalMs?: number;
  /** Between two writes of consumer offsets: 5,000. */
  persistConsumerOffsetIntervalMs?: number;
  /** For each request that is neither send nor pull: 3,000. */
  mqClientApiTimeoutMs?: number;
  /** Rounds over all namesrvs before `start()` fails with NAMESRV_UNREACHABLE: 3. */
  startAttempts?: number;
  /** Between two such rounds: 1,000. */
  startRetryIntervalMs?: number;
  /** How long `shutdown()` waits for running handlers and sends under way: 30,000. */
  shutdownTimeoutMs?: number;
  /** Header encoding of the hot requests: `ROCKETMQ` (compact binary, default) or `JSON`. Every RocketMQ broker takes both. */
  serializeType?: 'ROCKETMQ' | 'JSON';
  /**
   * Spans by OpenTelemetry's conventions, and `traceparent` in the user properties of messages: false. Needs the application's `@opentelemetry/api`, which is
   * loaded by `start()` then, and never else; for all clients but `MQAdmin`.
   */
  openTelemetry?: boolean;
  /** Where warnings go. Default: standard error. */
  logger?: ClientLogger;
  /** Told when a connection to a broker (`host:port`) was opened or closed. */
  onStatus?: (status: ConnectionStatus, address: string) => void;
}

/** The options of a `ClientInstance`, checked and complete. */
export interface ResolvedClientOptions {
  namesrvAddresses: readonly string[];
  clientIp: string | undefined;
  instanceName: string | undefined;
  unitName: string | undefined;
  pollNameServerIntervalMs: number;
  pollMissingRouteIntervalMs: number;
  heartbeatIntervalMs: number;
  brokerPingIntervalMs: number;
  persistConsumerOffsetIntervalMs: number;
  mqClientApiTimeoutMs: number;
  startAttempts: number;
  startRetryIntervalMs: number;
  shutdownTimeoutMs: number;
  serializeType: 'ROCKETMQ' | 'JSON';
  logger: ClientLogger;
  onStatus: ((status: ConnectionStatus, address: string) => void) | undefined;
  /** Undefined when nothing is traced. */
  trace: ResolvedTraceOptions | undefined;
  openTelemetry: boolean;
  namespace: ClientNamespace | undefined;
  namespaceV2: string | undefined;
}

/** A part of the client id: tools split at `@`, and the broker keys tables by it. */
function idPart(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (!/^[^\s@]{1,128}$/.test(value)) {
    throw invalidArgument(`option ${name} is "${value}", must be 1 to 128 characters without blanks and without "@"`);
  }
  return value;
}

function flagOption(value: unknown = false): boolean {
  if (typeof value === 'boolean') return value;
  throw invalidArgument(`option openTelemetry is ${String(value)}, must be true or false`);
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws MQClientError INVALID_NAMESRV_ADDR or INVALID_ARGUMENT.
 */
export function resolveClientOptions(
  options: ClientOptions,
  env: NodeJS.ProcessEnv = process.env,
): ResolvedClientOptions {
  const integer = (name: keyof ClientOptions, fallback: number, min = 1): number =>
    integerOption(name, options[name] as number | undefined, fallback, min);
  const serializeType = options.serializeType ?? 'ROCKETMQ';
  if (serializeType !== 'ROCKETMQ' && serializeType !== 'JSON') {
    throw invalidArgument(`option serializeType is "${String(serializeType)}", must be "ROCKETMQ" or "JSON"`);
  }
  return {
    namesrvAddresses: parseNamesrvAddr(options.namesrvAddr ?? env['NAMESRV_ADDR']),
    clientIp: idPart('clientIp', options.clientIp),
    instanceName: idPart('instanceName', options.instanceName),
    unitName: idPart('unitName', options.unitName),
    pollNameServerIntervalMs: integer('pollNameServerIntervalMs', defaults.POLL_NAMESRV_INTERVAL_MS, 10),
    pollMissingRouteIntervalMs: integer('pollMissingRouteIntervalMs', defaults.POLL_MISSING_ROUTE_INTERVAL_MS, 10),
    heartbeatIntervalMs: integer('heartbeatIntervalMs', defaults.HEARTBEAT_INTERVAL_MS, 10),
    brokerPingIntervalMs: integer('brokerPingIntervalMs', defaults.BROKER_PING_INTERVAL_MS, 0),
    persistConsumerOffsetIntervalMs: integer(
      'persistConsumerOffsetIntervalMs',
      defaults.PERSIST_CONSUMER_OFFSET_INTERVAL_MS,
      10,
    ),
    mqClientApiTimeoutMs: integer('mqClientApiTimeoutMs', defaults.MQ_CLIENT_API_TIMEOUT_MS, 10),
    startAttempts: integer('startAttempts', defaults.START_ATTEMPTS),
    startRetryIntervalMs: integer('startRetryIntervalMs', defaults.START_RETRY_INTERVAL_MS, 0),
    shutdownTimeoutMs: integer('shutdownTimeoutMs', defaults.SHUTDOWN_TIMEOUT_MS, 0),
    serializeType,
    logger: options.logger ?? consoleLogger,
    onStatus: options.onStatus,
    trace: resolveTraceOptions(options),
    openTelemetry: flagOption(options.openTelemetry),
    namespace: ClientNamespace.of(options.namespace),
    namespaceV2: namespaceV2Option(options.namespaceV2),
  };
}
