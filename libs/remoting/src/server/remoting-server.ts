import { createServer, type Server, type Socket } from 'node:net';
import type { Connection } from '../connection.js';
import { CLOSE_LINGER_MS, DEFAULT_SILENT_PEER_TIMEOUT_MS, QUIET_BEFORE_END_MS, RESET_DELAY_MS } from '../defaults.js';
import { RemotingListenError } from '../errors.js';
import { LimitedLog } from '../logger.js';
import type { ConnectionEnvironment } from '../net/connection-environment.js';
import { ConnectionMonitor } from '../net/connection-monitor.js';
import { readAccepted } from '../net/receive-room.js';
import { SocketConnection } from '../net/socket-connection.js';
import { RequestDispatcher } from '../request-dispatcher.js';
import type { RequestHandler } from '../request-handler.js';
import { callHook } from '../support/call-hook.js';
import { describeError } from '../support/describe-error.js';
import { sharedTimerWheel } from '../support/timer-wheel.js';
import { resolveServerOptions, type RemotingServerOptions, type ResolvedServerOptions } from './server-options.js';

const CLOSE_CHECK_MS = 10;

/**
 * Listens on one port, serves the requests of any number of peers, and can send requests to each of them.
 *
 * Follows `remoting/netty/NettyRemotingServer.java`.
 */
export class RemotingServer {
  private readonly options: ResolvedServerOptions;
  private readonly log: LimitedLog;
  private readonly environment: ConnectionEnvironment;
  private readonly dispatcher: RequestDispatcher;
  private readonly monitor: ConnectionMonitor;
  private readonly open = new Set<SocketConnection>();
  private listener: Server | undefined = undefined;
  private listenerClosed: Promise<void> = Promise.resolve();
  private closing: Promise<void> | undefined = undefined;

  constructor(options: RemotingServerOptions = {}) {
    this.options = resolveServerOptions(options);
    this.log = new LimitedLog(this.options.logger);
    this.dispatcher = new RequestDispatcher(this.log);
    this.environment = this.createEnvironment();
    this.monitor = new ConnectionMonitor(
      this.environment.timeouts,
      () => this.open,
      (connection, reason) => {
        this.log.debug(`closing the connection of ${connection.remoteAddress}: ${reason}`);
        connection.destroy(reason);
      },
    );
  }

  get connections(): ReadonlySet<Connection> {
    return this.open;
  }

  /** Requests that wait for an answer, over all connections. */
  get inFlightRequests(): number {
    return this.environment.inFlight.requests;
  }

  /** Bytes that peers have not taken yet, over all connections. */
  get bufferedBytes(): number {
    return this.environment.buffered.bytes;
  }

  /** Memory that frames take whose end has not come, over all connections. */
  get partialFrameBytes(): number {
    return this.environment.partialFrames.bytes;
  }

  /** Sets what serves a request code; the last one registered counts. */
  register(code: number, handler: RequestHandler): void {
    this.dispatcher.register(code, handler);
  }

  /** Sets what serves all other codes; without it they are answered with code 3. */
  registerDefault(handler: RequestHandler): void {
    this.dispatcher.registerDefault(handler);
  }

  /**
   * Starts listening.
   * @throws RemotingListenError when the port is taken or not permitted; the message says what to do
   */
  listen(): Promise<{ host: string; port: number }> {
    const { host, port, backlog, maxConnections } = this.options;
    const server = createServer({ noDelay: true, allowHalfOpen: false, pauseOnConnect: true }, (socket) =>
      this.accept(socket),
    );
    server.maxConnections = maxConnections;
    server.on('drop', (dropped) => {
      const peer = dropped === undefined ? 'unknown' : `${dropped.remoteAddress}:${dropped.remotePort}`;
      this.log.warn('max-connections', `refused a connection of ${peer}: maxConnections ${maxConnections} are open`);
    });
    this.listener = server;
    return new Promise((resolve, reject) => {
      server.once('error', (error) => {
        this.listener = undefined;
        reject(new RemotingListenError(host, port, error));
      });
      server.listen({ host, port, backlog }, () => {
        server.removeAllListeners('error');
        server.on('error', (error) =>
          this.log.error('accept', `listening on ${host}:${port}: ${describeError(error)}`),
        );
        this.monitor.start();
        const address = server.address();
        resolve({ host, port: typeof address === 'object' && address !== null ? address.port : port });
      });
    });
  }

  /** Takes no more connections. Those that are open go on. */
  stopAccepting(): void {
    const { listener } = this;
    if (listener === undefined) return;
    this.listener = undefined;
    // Resolves when the last connection has ended, too.
    this.listenerClosed = new Promise((resolve) => listener.close(() => resolve()));
  }

  /**
   * Stops: takes no more connections, asks peers that understand GO_AWAY to go elsewhere, waits at most `graceMs` for
   * requests in flight and for answers under way, then breaks all connections off. May be called again.
   */
  close(options: { graceMs?: number } = {}): Promise<void> {
    this.closing ??= this.shutDown(options.graceMs ?? this.options.closeGraceMs);
    return this.closing;
  }

  private async shutDown(graceMs: number): Promise<void> {
    this.stopAccepting();
    this.dispatcher.goingAway = true;
    const deadlineMs = performance.now() + graceMs;
    for (let nowMs = performance.now(); this.open.size > 0 && nowMs < deadlineMs; nowMs = performance.now()) {
      for (const connection of this.open) {
        const quiet = connection.inFlight === 0 && connection.bufferedBytes === 0 && connection.pending === 0;
        if (!quiet || nowMs - connection.lastActivityMs < QUIET_BEFORE_END_MS) continue;
        // Quiet as it is, its peer may send the next moment.
        if (connection.missesEnd) connection.breakOff('the server is shutting down');
        else connection.reset('the server is shutting down');
      }
      if (this.open.size > 0) await elapsed(CLOSE_CHECK_MS);
    }
    await this.breakAllOff();
    this.monitor.stop();
    await this.listenerClosed;
  }

  /**
   * Ends connections whose peers go on sending. After a plain end (FIN) many clients let a request that was on its way wait for its whole time-out; after
   * this they send it to another broker at once. None of the requests left unread has been served.
   */
  private async breakAllOff(): Promise<void> {
    for (const connection of this.open) {
      if (connection.missesEnd) connection.breakOff('the server has shut down');
      else connection.stopReading();
    }
    if (this.open.size === 0) return;
    const deadlineMs = performance.now() + CLOSE_LINGER_MS;
    const isSending = (): boolean => [...this.open].some(({ bufferedBytes }) => bufferedBytes > 0);
    while (isSending() && performance.now() < deadlineMs) await elapsed(CLOSE_CHECK_MS);
    await elapsed(RESET_DELAY_MS);
    for (const connection of this.open) connection.reset('the server has shut down');
  }

  private accept(socket: Socket): void {
    // A peer that has reset the connection by now has no address any more.
    if (socket.remoteAddress === undefined || this.closing !== undefined) {
      socket.on('error', () => {});
      socket.resetAndDestroy();
      return;
    }
    const reading = readAccepted(socket, (bytes, end, borrowed) => connection.receive(bytes, end, borrowed));
    const connection: SocketConnection = new SocketConnection(reading, this.environment);
    this.open.add(connection);
    callHook(this.log, () => this.options.onConnectionOpen?.(connection));
  }

  private closed(connection: SocketConnection, reason: string): void {
    this.open.delete(connection);
    this.monitor.forget(connection);
    callHook(this.log, () => this.options.onConnectionClose?.(connection, reason));
  }

  private createEnvironment(): ConnectionEnvironment {
    const { options } = this;
    return {
      maxFrameBytes: options.maxFrameBytes,
      timeouts: {
        idleMs: options.idleTimeoutMs,
        firstFrameMs: options.firstFrameTimeoutMs,
        partialFrameMs: options.partialFrameTimeoutMs,
        minFrameBytesPerSecond: options.minFrameBytesPerSecond,
        silentPeerMs: DEFAULT_SILENT_PEER_TIMEOUT_MS,
      },
      writeLimits: {
        highWaterMarkBytes: options.writeHighWaterMarkBytes,
        lowWaterMarkBytes: options.writeLowWaterMarkBytes,
        maxPerConnectionBytes: options.maxBufferedBytesPerConnection,
        maxTotalBytes: options.maxBufferedBytes,
      },
      inFlightLimits: {
        maxPerConnection: options.maxInFlightPerConnection,
        maxTotal: options.maxInFlight,
        maxLargeBytes: options.maxLargeInFlightBytes,
      },
      inFlight: { requests: 0, largeBytes: 0 },
      buffered: { bytes: 0 },
      partialFrames: { bytes: 0, maxBytes: options.maxPartialFrameBytes },
      wheel: sharedTimerWheel,
      log: this.log,
      pausesReading: true,
      pendingLimit: () => ({ pending: 0, maxPending: options.maxPendingPerConnection }),
      dispatch: (request, connection, frameBytes, borrowed) =>
        this.dispatcher.dispatch(request, connection, frameBytes, borrowed),
      goingAway: () => {},
      closed: (connection, reason) => this.closed(connection, reason),
    };
  }
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
