import { FRAME_MAX_LENGTH } from '@rocknest/protocol';
import type { Connection } from '../connection.js';
import * as defaults from '../defaults.js';
import { checkWriteLimits } from '../support/check-write-limits.js';
import { silentLogger, type RemotingLogger } from '../logger.js';

/** Settings of a {@link RemotingClient}; each has a default in `defaults.ts`, which gives its reason. */
export interface RemotingClientOptions {
  connectTimeoutMs?: number;
  /** Nothing read and nothing written for so long, and no request pending: closed. 0: never. */
  idleTimeoutMs?: number;
  /** A request timed out and nothing came for so long: the connection is closed as dead. 0: never. */
  silentPeerTimeoutMs?: number;
  /** Requests that wait for an answer or a connection, over all addresses. */
  maxPending?: number;
  /** Largest frame, its length field included. */
  maxFrameBytes?: number;
  /** Unsent bytes above which a connection is not writable: oneway requests wait. */
  writeHighWaterMarkBytes?: number;
  writeLowWaterMarkBytes?: number;
  /** Unsent bytes of one connection above which requests are refused. */
  maxBufferedBytesPerConnection?: number;
  /** Requests of one peer that wait for an answer of ours. */
  maxInFlightPerConnection?: number;
  onConnectionOpen?: (address: string, connection: Connection) => void;
  onConnectionClose?: (address: string, connection: Connection, reason: string) => void;
  logger?: RemotingLogger;
}

export type ResolvedClientOptions = Required<Omit<RemotingClientOptions, 'onConnectionOpen' | 'onConnectionClose'>> &
  Pick<RemotingClientOptions, 'onConnectionOpen' | 'onConnectionClose'>;

export function resolveClientOptions(options: RemotingClientOptions): ResolvedClientOptions {
  const resolved: ResolvedClientOptions = {
    connectTimeoutMs: options.connectTimeoutMs ?? defaults.DEFAULT_CONNECT_TIMEOUT_MS,
    idleTimeoutMs: options.idleTimeoutMs ?? defaults.DEFAULT_IDLE_TIMEOUT_MS,
    silentPeerTimeoutMs: options.silentPeerTimeoutMs ?? defaults.DEFAULT_SILENT_PEER_TIMEOUT_MS,
    maxPending: options.maxPending ?? defaults.DEFAULT_MAX_PENDING_OF_CLIENT,
    maxFrameBytes: options.maxFrameBytes ?? FRAME_MAX_LENGTH,
    writeHighWaterMarkBytes: options.writeHighWaterMarkBytes ?? defaults.DEFAULT_WRITE_HIGH_WATER_MARK_BYTES,
    writeLowWaterMarkBytes: options.writeLowWaterMarkBytes ?? defaults.DEFAULT_WRITE_LOW_WATER_MARK_BYTES,
    maxBufferedBytesPerConnection:
      options.maxBufferedBytesPerConnection ?? defaults.DEFAULT_MAX_BUFFERED_BYTES_PER_CONNECTION,
    maxInFlightPerConnection: options.maxInFlightPerConnection ?? defaults.DEFAULT_MAX_IN_FLIGHT_PER_CONNECTION,
    onConnectionOpen: options.onConnectionOpen,
    onConnectionClose: options.onConnectionClose,
    logger: options.logger ?? silentLogger,
  };
  checkWriteLimits(resolved);
  return resolved;
}
