import type { RemotingCommand } from '@rocknest/protocol';
import type { InFlightLimits, InFlightTotals } from '../in-flight.js';
import type { LimitedLog } from '../logger.js';
import type { PendingLimit } from '../request-table.js';
import type { TimerWheel } from '../support/timer-wheel.js';
import type { PartialFrameBudget } from './frame-decoder.js';
import type { SocketConnection } from './socket-connection.js';
import type { BufferedBytes } from './write-queue.js';

/** Time-outs of connections, in milliseconds; 0 switches one off. */
export interface ConnectionTimeouts {
  /** Nothing read and nothing written. */
  idleMs: number;
  /** From the connection's start to the end of its first frame. */
  firstFrameMs: number;
  /** From a frame's first byte to its last, plus its length divided by `minFrameBytesPerSecond`. */
  partialFrameMs: number;
  minFrameBytesPerSecond: number;
  /** Nothing read for so long when a request times out: the peer is gone. */
  silentPeerMs: number;
}

export interface WriteLimits {
  highWaterMarkBytes: number;
  lowWaterMarkBytes: number;
  /** Unsent bytes of one connection. */
  maxPerConnectionBytes: number;
  /** Unsent bytes of all connections. */
  maxTotalBytes: number;
}

/** What all connections of one server, or of one client, share. */
export interface ConnectionEnvironment {
  readonly maxFrameBytes: number;
  readonly timeouts: ConnectionTimeouts;
  readonly writeLimits: WriteLimits;
  readonly inFlightLimits: InFlightLimits;
  readonly inFlight: InFlightTotals;
  readonly buffered: BufferedBytes;
  readonly partialFrames: PartialFrameBudget;
  readonly wheel: TimerWheel;
  readonly log: LimitedLog;
  /**
   * A server stops reading from a peer that does not read its answers. A client goes on reading: if both sides stopped,
   * neither would ever start again.
   */
  readonly pausesReading: boolean;
  /** Requests of this side: shared by all connections of a client, one for each connection of a server. */
  pendingLimit(): PendingLimit;
  /** Serves a request of the peer. */
  /** @param borrowed the bytes of the request are there only until the call ends */
  dispatch(request: RemotingCommand, connection: SocketConnection, frameBytes: number, borrowed: boolean): void;
  /** The peer has asked to go elsewhere: no new request is sent on this connection. */
  goingAway(connection: SocketConnection): void;
  /** Called once for each connection, when it has closed. */
  closed(connection: SocketConnection, reason: string): void;
}
