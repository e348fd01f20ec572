import { FRAME_MAX_LENGTH, RocknestError } from '@rocknest/protocol';
import type { Connection } from '../connection.js';
import { checkWriteLimits } from '../support/check-write-limits.js';
import * as defaults from '../defaults.js';
import { silentLogger, type RemotingLogger } from '../logger.js';

/** Settings of a {@link RemotingServer}; each has a default in `defaults.ts`, which gives its reason. */
export interface RemotingServerOptions {
  /** Address to listen on, `0.0.0.0` for all. Default `127.0.0.1`. */
  host?: string;
  /** 0, the default, takes any free port. */
  port?: number;
  backlog?: number;
  /** Connections above it are closed as soon as they are accepted. */
  maxConnections?: number;
  /** Largest frame, its length field included. */
  maxFrameBytes?: number;
  /** Nothing read and nothing written for so long: closed. 0: never. */
  idleTimeoutMs?: number;
  /** From connecting to the end of the first frame. 0: no limit. */
  firstFrameTimeoutMs?: number;
  /** From a frame's first byte to its last, plus its length divided by `minFrameBytesPerSecond`. 0: no limit. */
  partialFrameTimeoutMs?: number;
  minFrameBytesPerSecond?: number;
  /** Memory of incomplete frames of all connections; one that needs more is closed. */
  maxPartialFrameBytes?: number;
  /** Requests of one connection that wait for an answer; above it SYSTEM_BUSY. */
  maxInFlightPerConnection?: number;
  /** Requests of all connections that wait for an answer; above it SYSTEM_BUSY. */
  maxInFlight?: number;
  /** Bytes of large frames whose requests wait for an answer; above it SYSTEM_BUSY. */
  maxLargeInFlightBytes?: number;
  /** Unsent bytes of a connection above which no more requests are read from it. */
  writeHighWaterMarkBytes?: number;
  /** Unsent bytes below which reading goes on. */
  writeLowWaterMarkBytes?: number;
  /** Unsent bytes of one connection above which it is closed. */
  maxBufferedBytesPerConnection?: number;
  /** Unsent bytes of all connections above which one that is not writable is closed. */
  maxBufferedBytes?: number;
  /** Requests to the peer of one connection that wait for an answer. */
  maxPendingPerConnection?: number;
  /** Default time for requests in flight when the server closes. */
  closeGraceMs?: number;
  onConnectionOpen?: (connection: Connection) => void;
  onConnectionClose?: (connection: Connection, reason: string) => void;
  logger?: RemotingLogger;
}

export type ResolvedServerOptions = Required<Omit<RemotingServerOptions, 'onConnectionOpen' | 'onConnectionClose'>> &
  Pick<RemotingServerOptions, 'onConnectionOpen' | 'onConnectionClose'>;

export function resolveServerOptions(options: RemotingServerOptions): ResolvedServerOptions {
  const resolved: ResolvedServerOptions = {
    host: options.host ?? defaults.DEFAULT_HOST,
    port: options.port ?? 0,
    backlog: options.backlog ?? defaults.DEFAULT_BACKLOG,
    maxConnections: options.maxConnections ?? defaults.DEFAULT_MAX_CONNECTIONS,
    maxFrameBytes: options.maxFrameBytes ?? FRAME_MAX_LENGTH,
    idleTimeoutMs: options.idleTimeoutMs ?? defaults.DEFAULT_IDLE_TIMEOUT_MS,
    firstFrameTimeoutMs: options.firstFrameTimeoutMs ?? defaults.DEFAULT_FIRST_FRAME_TIMEOUT_MS,
    partialFrameTimeoutMs: options.partialFrameTimeoutMs ?? defaults.DEFAULT_PARTIAL_FRAME_TIMEOUT_MS,
    minFrameBytesPerSecond: options.minFrameBytesPerSecond ?? defaults.DEFAULT_MIN_FRAME_BYTES_PER_SECOND,
    maxPartialFrameBytes: options.maxPartialFrameBytes ?? defaults.DEFAULT_MAX_PARTIAL_FRAME_BYTES,
    maxInFlightPerConnection: options.maxInFlightPerConnection ?? defaults.DEFAULT_MAX_IN_FLIGHT_PER_CONNECTION,
    maxInFlight: options.maxInFlight ?? defaults.DEFAULT_MAX_IN_FLIGHT,
    maxLargeInFlightBytes: options.maxLargeInFlightBytes ?? defaults.DEFAULT_MAX_LARGE_IN_FLIGHT_BYTES,
    writeHighWaterMarkBytes: options.writeHighWaterMarkBytes ?? defaults.DEFAULT_WRITE_HIGH_WATER_MARK_BYTES,
    writeLowWaterMarkBytes: options.writeLowWaterMarkBytes ?? defaults.DEFAULT_WRITE_LOW_WATER_MARK_BYTES,
    maxBufferedBytesPerConnection:
      options.maxBufferedBytesPerConnection ?? defaults.DEFAULT_MAX_BUFFERED_BYTES_PER_CONNECTION,
    maxBufferedBytes: options.maxBufferedBytes ?? defaults.DEFAULT_MAX_BUFFERED_BYTES,
    maxPendingPerConnection: options.maxPendingPerConnection ?? defaults.DEFAULT_MAX_PENDING_PER_SERVER_CONNECTION,
    closeGraceMs: options.closeGraceMs ?? defaults.DEFAULT_CLOSE_GRACE_MS,
    onConnectionOpen: options.onConnectionOpen,
    onConnectionClose: options.onConnectionClose,
    logger: options.logger ?? silentLogger,
  };
  check(resolved);
  return resolved;
}

function check(options: ResolvedServerOptions): void {
  checkWriteLimits(options);
  if (!Number.isInteger(options.port) || options.port < 0 || options.port > 65_535) {
    throw new RocknestError('REMOTING_OPTIONS', `port ${options.port} is not in 0 to 65535`);
  }
}
