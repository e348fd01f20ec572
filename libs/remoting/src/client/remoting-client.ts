import type { Socket } from 'node:net';
import { type RemotingCommand, ResponseCode } from '@rocknest/protocol';
import type { Connection } from '../connection.js';
import {
  DEFAULT_MAX_BUFFERED_BYTES,
  DEFAULT_MAX_IN_FLIGHT,
  DEFAULT_MAX_LARGE_IN_FLIGHT_BYTES,
  DEFAULT_MAX_PARTIAL_FRAME_BYTES,
  DEFAULT_MIN_FRAME_BYTES_PER_SECOND,
  DEFAULT_ONEWAY_TIMEOUT_MS,
  DEFAULT_PARTIAL_FRAME_TIMEOUT_MS,
} from '../defaults.js';
import {
  RemotingConnectError,
  RemotingSendError,
  RemotingTimeoutError,
  RemotingTooMuchRequestError,
} from '../errors.js';
import type { EncodedRequest } from '../encoded-request.js';
import { LimitedLog } from '../logger.js';
import type { ConnectionEnvironment } from '../net/connection-environment.js';
import { ConnectionMonitor } from '../net/connection-monitor.js';
import type { ByteSink } from '../net/receive-room.js';
import { SocketConnection } from '../net/socket-connection.js';
import { RequestDispatcher } from '../request-dispatcher.js';
import type { RequestHandler, ResponseCallback } from '../request-handler.js';
import type { PendingLimit } from '../request-table.js';
import { callHook } from '../support/call-hook.js';
import { describeError } from '../support/describe-error.js';
import { nextOpaque } from '../support/opaque.js';
import { sharedTimerWheel } from '../support/timer-wheel.js';
import { resolveClientOptions, type RemotingClientOptions, type ResolvedClientOptions } from './client-options.js';
import { ConnectWaiter, openSocket } from './connect-attempt.js';

interface ConnectAttempt {
  waiters: ConnectWaiter<SocketConnection>[];
  giveUp(): void;
}

/**
 * Sends requests to any number of addresses over one connection for each, and serves what peers ask.
 *
 * A connection is opened by the first request and shared by all; callers that come while it is being opened share the
 * attempt. A failed attempt is forgotten: the next request tries again. `timeoutMs` always covers connecting and the
 * request together.
 *
 * Follows `remoting/netty/NettyRemotingClient.java`.
 */
export class RemotingClient {
  private readonly options: ResolvedClientOptions;
  private readonly log: LimitedLog;
  private readonly dispatcher: RequestDispatcher;
  private readonly environment: ConnectionEnvironment;
  private readonly monitor: ConnectionMonitor;
  private readonly limit: PendingLimit;
  /** Connections that take requests. */
  private readonly ready = new Map<string, SocketConnection>();
  /** All connections, those of peers that are going away too. */
  private readonly addresses = new Map<SocketConnection, string>();
  private readonly attempts = new Map<string, ConnectAttempt>();
  private closing: Promise<void> | undefined = undefined;

  constructor(options: RemotingClientOptions = {}) {
    this.options = resolveClientOptions(options);
    this.log = new LimitedLog(this.options.logger);
    this.dispatcher = new RequestDispatcher(this.log);
    this.limit = { pending: 0, maxPending: this.options.maxPending };
    this.environment = this.createEnvironment();
    this.monitor = new ConnectionMonitor(
      this.environment.timeouts,
      () => this.addresses.keys(),
      (connection, reason) => connection.destroy(reason),
    );
  }

  /** Serves requests of the peers, on every connection. */
  registerHandler(code: number, handler: RequestHandler): void {
    this.dispatcher.register(code, handler);
  }

  /** Open connections that take requests, by the address they were asked for with. */
  connections(): ReadonlyMap<string, Connection> {
    return this.ready;
  }

  isConnected(address: string): boolean {
    return this.ready.has(address);
  }

  /** Requests that wait for an answer or a connection. */
  get pending(): number {
    return this.limit.pending;
  }

  nextOpaque(): number {
    return nextOpaque();
  }

  /**
   * Sends a request and waits for its response.
   *
   * @throws RemotingConnectError no connection; nothing was sent
   * @throws RemotingSendError the connection closed before the answer came
   * @throws RemotingTimeoutError no answer within `timeoutMs`
   * @throws RemotingTooMuchRequestError too many requests or bytes wait already
   */
  invoke(address: string, command: RemotingCommand, timeoutMs: number): Promise<RemotingCommand> {
    return new Promise((resolve, reject) => {
      this.invokeCallback(address, command, timeoutMs, (error, response) => {
        if (response === undefined) reject(error ?? new RemotingSendError(address, 'no response'));
        else resolve(response);
      });
    });
  }

  /**
   * The same with a callback, which is never called within this call. When the peer answers GO_AWAY, the request is sent
   * once more over a new connection, with the time that is left.
   */
  invokeCallback(address: string, command: RemotingCommand, timeoutMs: number, callback: ResponseCallback): void {
    const deadlineMs = performance.now() + timeoutMs;
    this.invokeOnce(address, command, timeoutMs, (error, response) => {
      if (response?.code !== ResponseCode.GO_AWAY) {
        callback(error, response);
        return;
      }
      const remainingMs = deadlineMs - performance.now();
      if (remainingMs <= 0) {
        callback(
          new RemotingTimeoutError(address, timeoutMs, 'GO_AWAY and no time left for a second attempt'),
          undefined,
        );
        return;
      }
      this.invokeOnce(address, command, remainingMs, (secondError, secondResponse) => {
        if (secondResponse?.code !== ResponseCode.GO_AWAY) callback(secondError, secondResponse);
        else callback(new RemotingSendError(address, 'it answered GO_AWAY twice: it is shutting down'), undefined);
      });
    });
  }

  /**
   * Sends a whole request frame that the caller encoded, with an opaque of {@link nextOpaque}. A GO_AWAY answer is handed to
   * the callback as it came; the next request opens a new connection.
   */
  invokeEncoded(
    address: string,
    opaque: number,
    frame: Buffer | readonly Buffer[],
    timeoutMs: number,
    callback: ResponseCallback,
  ): void {
    const connection = this.ready.get(address);
    if (connection !== undefined) {
      connection.requestEncoded(opaque, frame, timeoutMs, callback);
      return;
    }
    this.whenConnected(address, timeoutMs, (error, opened, remainingMs) => {
      if (opened === undefined) callback(error, undefined);
      else opened.requestEncoded(opaque, frame, remainingMs, callback);
    });
  }

  /**
   * Sends a request that writes its own frame; the rest as for {@link invokeEncoded}.
   *
   * @throws what its `encode` throws, when the connection is open already
   */
  invokeRequest(address: string, request: EncodedRequest, timeoutMs: number): void {
    const connection = this.ready.get(address);
    if (connection !== undefined) {
      connection.sendRequest(request, timeoutMs);
      return;
    }
    this.whenConnected(address, timeoutMs, (error, opened, remainingMs) => {
      if (opened === undefined) {
        request.onAnswer(error, undefined);
        return;
      }
      request.wallMs = -1;
      try {
        opened.sendRequest(request, remainingMs);
      } catch (thrown) {
        request.onAnswer(thrown as Error, undefined);
      }
    });
  }

  /**
   * Sends a request that gets no answer. Resolves when the connection has taken it, which waits while the connection is
   * not writable.
   *
   * @throws RemotingConnectError, RemotingSendError, RemotingTimeoutError, RemotingTooMuchRequestError
   */
  async invokeOneway(address: string, command: RemotingCommand, timeoutMs = DEFAULT_ONEWAY_TIMEOUT_MS): Promise<void> {
    const ready = this.ready.get(address);
    if (ready?.writable === true) {
      ready.oneway(command);
      return;
    }
    const deadlineMs = performance.now() + timeoutMs;
    const connection = await this.connect(address, timeoutMs);
    while (!connection.writable) {
      if (connection.closed) throw new RemotingSendError(address, 'the connection closed');
      await this.whenWritable(address, connection, deadlineMs - performance.now());
    }
    connection.oneway(command);
  }

  /** Closes the connection to an address; its pending requests fail, and the next request opens a new one. */
  closeConnection(address: string, reason = 'closed by this client'): void {
    this.attempts.get(address)?.giveUp();
    this.ready.get(address)?.close(reason);
  }

  /** Closes everything. Pending requests fail. May be called again. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    this.monitor.stop();
    for (const attempt of [...this.attempts.values()]) attempt.giveUp();
    const connections = [...this.addresses.keys()];
    for (const connection of connections) connection.close('the client is shutting down');
    await Promise.all(connections.map((connection) => connection.ended()));
  }

  private invokeOnce(address: string, command: RemotingCommand, timeoutMs: number, callback: ResponseCallback): void {
    const connection = this.ready.get(address);
    if (connection !== undefined) {
      connection.requestCallback(command, timeoutMs, callback);
      return;
    }
    this.whenConnected(address, timeoutMs, (error, opened, remainingMs) => {
      if (opened === undefined) callback(error, undefined);
      else opened.requestCallback(command, remainingMs, callback);
    });
  }

  private connect(address: string, timeoutMs: number): Promise<SocketConnection> {
    const ready = this.ready.get(address);
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve, reject) => {
      this.whenConnected(address, timeoutMs, (error, connection) => {
        if (connection === undefined) reject(error ?? new RemotingConnectError(address, 'no connection'));
        else resolve(connection);
      });
    });
  }

  /** Calls back in a later turn of the event loop with a connection and the time that is left, or with an error. */
  private whenConnected(
    address: string,
    timeoutMs: number,
    callback: (error: Error | undefined, connection: SocketConnection | undefined, remainingMs: number) => void,
  ): void {
    if (this.closing !== undefined) {
      process.nextTick(callback, new RemotingSendError(address, 'the client is closed'), undefined, 0);
      return;
    }
    if (this.limit.pending >= this.limit.maxPending) {
      const error = new RemotingTooMuchRequestError(address, `${this.limit.pending} requests wait already`);
      process.nextTick(callback, error, undefined, 0);
      return;
    }
    const deadlineMs = performance.now() + timeoutMs;
    const waiter = new ConnectWaiter<SocketConnection>(
      address,
      timeoutMs,
      sharedTimerWheel,
      this.limit,
      (error, connection) => {
        try {
          callback(error, connection, Math.max(1, deadlineMs - performance.now()));
        } catch (thrown) {
          this.log.error('callback', `a response callback threw: ${describeError(thrown)}`);
        }
      },
    );
    const attempt = this.attempts.get(address) ?? this.startAttempt(address);
    attempt.waiters.push(waiter);
  }

  private startAttempt(address: string): ConnectAttempt {
    let connection: SocketConnection | undefined;
    const sink: ByteSink = (bytes, end, borrowed) => connection?.receive(bytes, end, borrowed);
    const giveUp = openSocket(address, this.options.connectTimeoutMs, sink, (error, socket) => {
      this.attempts.delete(address);
      connection = socket === undefined ? undefined : this.adopt(address, socket);
      const failure = error ?? new RemotingConnectError(address, 'the connection was lost at once');
      for (const waiter of attempt.waiters) waiter.settle(connection === undefined ? failure : undefined, connection);
    });
    const attempt: ConnectAttempt = { waiters: [], giveUp };
    this.attempts.set(address, attempt);
    return attempt;
  }

  private adopt(address: string, socket: Socket): SocketConnection | undefined {
    if (socket.remoteAddress === undefined) {
      socket.on('error', () => {});
      socket.destroy();
      return undefined;
    }
    const connection = new SocketConnection(socket, this.environment);
    this.ready.set(address, connection);
    this.addresses.set(connection, address);
    this.monitor.start();
    callHook(this.log, () => this.options.onConnectionOpen?.(address, connection));
    return connection;
  }

  private closed(connection: SocketConnection, reason: string): void {
    const address = this.addresses.get(connection);
    if (address === undefined) return;
    this.addresses.delete(connection);
    this.monitor.forget(connection);
    if (this.ready.get(address) === connection) this.ready.delete(address);
    if (this.addresses.size === 0) this.monitor.stop();
    callHook(this.log, () => this.options.onConnectionClose?.(address, connection, reason));
  }

  private goingAway(connection: SocketConnection): void {
    const address = this.addresses.get(connection);
    if (address !== undefined && this.ready.get(address) === connection) this.ready.delete(address);
  }

  /** Waits for room in a connection. Those who wait count against the limit of pending requests. */
  private async whenWritable(address: string, connection: SocketConnection, timeoutMs: number): Promise<void> {
    const { limit } = this;
    if (limit.pending >= limit.maxPending) {
      throw new RemotingTooMuchRequestError(address, `${limit.pending} requests wait already`);
    }
    limit.pending++;
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new RemotingTimeoutError(address, timeoutMs, 'no room for a oneway request to be sent')),
          Math.max(0, timeoutMs),
        );
        connection.onceWritable(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    } finally {
      limit.pending--;
    }
  }

  private createEnvironment(): ConnectionEnvironment {
    const { options } = this;
    return {
      maxFrameBytes: options.maxFrameBytes,
      timeouts: {
        idleMs: options.idleTimeoutMs,
        firstFrameMs: 0,
        partialFrameMs: DEFAULT_PARTIAL_FRAME_TIMEOUT_MS,
        minFrameBytesPerSecond: DEFAULT_MIN_FRAME_BYTES_PER_SECOND,
        silentPeerMs: options.silentPeerTimeoutMs,
      },
      writeLimits: {
        highWaterMarkBytes: options.writeHighWaterMarkBytes,
        lowWaterMarkBytes: options.writeLowWaterMarkBytes,
        maxPerConnectionBytes: options.maxBufferedBytesPerConnection,
        maxTotalBytes: DEFAULT_MAX_BUFFERED_BYTES,
      },
      inFlightLimits: {
        maxPerConnection: options.maxInFlightPerConnection,
        maxTotal: DEFAULT_MAX_IN_FLIGHT,
        maxLargeBytes: DEFAULT_MAX_LARGE_IN_FLIGHT_BYTES,
      },
      inFlight: { requests: 0, largeBytes: 0 },
      buffered: { bytes: 0 },
      partialFrames: { bytes: 0, maxBytes: DEFAULT_MAX_PARTIAL_FRAME_BYTES },
      wheel: sharedTimerWheel,
      log: this.log,
      pausesReading: false,
      pendingLimit: () => this.limit,
      dispatch: (request, connection, frameBytes, borrowed) =>
        this.dispatcher.dispatch(request, connection, frameBytes, borrowed),
      goingAway: (connection) => this.goingAway(connection),
      closed: (connection, reason) => this.closed(connection, reason),
    };
  }
}
