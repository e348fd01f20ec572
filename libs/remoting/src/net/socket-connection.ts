import type { Socket } from 'node:net';
import type { RemotingCommand } from '@rocknest/protocol';
import { decodeFrame, encodeFrame, encodeHost, FLAG_RESPONSE, ResponseCode } from '@rocknest/protocol';
import type { Connection } from '../connection.js';
import { RemotingSendError, RemotingTooMuchRequestError } from '../errors.js';
import type { EncodedRequest } from '../encoded-request.js';
import { InFlight } from '../in-flight.js';
import type { RequestRef, ResponseCallback } from '../request-handler.js';
import { RequestTable } from '../request-table.js';
import { formatAddress } from '../support/address.js';
import { describeError } from '../support/describe-error.js';
import { nextOpaque } from '../support/opaque.js';
import type { ConnectionEnvironment } from './connection-environment.js';
import { encodeResponse } from './encode-response.js';
import { FrameDecoder } from './frame-decoder.js';
import { awaitPeerEnd, endSoon, UNREADABLE_FRAME } from './socket-end.js';
import type { WritePage } from './write-page.js';
import { WriteQueue } from './write-queue.js';

let lastId = 0;

/** A connection over a socket that is connected already. Follows `remoting/netty/NettyRemotingAbstract.java`. */
export class SocketConnection implements Connection {
  readonly id = ++lastId;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly openedAtMs = performance.now();
  /** When bytes last came, by the monotonic clock. */
  lastReadMs = this.openedAtMs;
  /** The peer has told us to go elsewhere: it takes no more requests on this connection. */
  goingAway = false;
  /** The peer, a Java client below 5.1.3, lets requests wait for their whole time-out when this side ends the connection. */
  missesEnd = false;
  /** Of the peer's requests. */
  readonly served: InFlight;
  readonly decoder: FrameDecoder;

  private readonly writes: WriteQueue;
  private readonly table: RequestTable;
  private closeReason: string | undefined = undefined;
  private reading = true;
  private readsNoMore = false;
  private isWritable = true;
  private writableListeners: (() => void)[] = [];
  private closeListeners: ((reason: string) => void)[] = [];
  private lazyAttributes: Map<string | symbol, unknown> | undefined = undefined;
  private lazyHostBytes: Buffer | undefined = undefined;

  constructor(
    private readonly socket: Socket,
    private readonly environment: ConnectionEnvironment,
  ) {
    this.remoteAddress = formatAddress(socket.remoteAddress, socket.remotePort);
    this.localAddress = formatAddress(socket.localAddress, socket.localPort);
    this.served = new InFlight(environment.inFlightLimits, environment.inFlight);
    this.decoder = new FrameDecoder(environment.maxFrameBytes, environment.partialFrames);
    this.writes = new WriteQueue(socket, environment.buffered, this.onBacklog, this.onProgress);
    this.table = new RequestTable({
      address: this.remoteAddress,
      wheel: environment.wheel,
      limit: environment.pendingLimit(),
      log: environment.log,
      onRequestTimeout: (sentAtMs) => this.onRequestTimeout(sentAtMs),
    });
    socket.on('end', () => this.destroy('closed by the peer'));
    socket.on('error', (error) => this.destroy(`connection error: ${error.message}`));
    socket.on('close', () => this.destroy('closed'));
  }

  get closed(): boolean {
    return this.closeReason !== undefined;
  }

  get writable(): boolean {
    return this.isWritable && this.closeReason === undefined;
  }

  get bufferedBytes(): number {
    return this.writes.bufferedBytes;
  }

  get inFlight(): number {
    return this.served.requests;
  }

  /** Requests of this side that wait for an answer. */
  get pending(): number {
    return this.table.size;
  }

  /** When bytes last came or went, by the monotonic clock. */
  get lastActivityMs(): number {
    return Math.max(this.lastReadMs, this.writes.lastSentMs);
  }

  /** False while the peer's requests are left unread because it does not read its answers. */
  get isReading(): boolean {
    return this.reading;
  }

  get attributes(): Map<string | symbol, unknown> {
    return (this.lazyAttributes ??= new Map());
  }

  get remoteHostBytes(): Buffer {
    return (this.lazyHostBytes ??= encodeHost(this.remoteAddress));
  }

  requestRef(request: RequestRef): RequestRef {
    return { opaque: request.opaque, isOneway: request.isOneway };
  }

  respond(request: RequestRef, response: RemotingCommand): void {
    if (request.isOneway) return;
    this.served.end(request.opaque);
    this.answerUncounted(request, response);
  }

  /** Answers a request that was never counted as in flight. */
  answerUncounted(request: RequestRef, response: RemotingCommand): void {
    if (this.closeReason !== undefined) return;
    response.opaque = request.opaque;
    response.flag |= FLAG_RESPONSE;
    this.send(encodeResponse(response, this.remoteAddress, this.environment.log));
  }

  respondEncoded(request: RequestRef, frame: Buffer | readonly Buffer[]): void {
    if (request.isOneway) return;
    this.served.end(request.opaque);
    if (this.closeReason !== undefined) return;
    this.send(frame);
  }

  reserve(maxBytes: number): WritePage | undefined {
    return this.closeReason === undefined ? this.writes.reserve(maxBytes) : undefined;
  }

  respondReserved(request: RequestRef, end: number, start?: number): void {
    this.served.end(request.opaque);
    this.writes.commit(end, start);
  }

  request(command: RemotingCommand, timeoutMs: number): Promise<RemotingCommand> {
    return new Promise((resolve, reject) => {
      this.requestCallback(command, timeoutMs, (error, response) => {
        if (response === undefined) reject(error ?? new RemotingSendError(this.remoteAddress, 'no response'));
        else resolve(response);
      });
    });
  }

  requestCallback(command: RemotingCommand, timeoutMs: number, callback: ResponseCallback): void {
    command.opaque = nextOpaque();
    let frame: Buffer[];
    try {
      frame = encodeFrame(command);
    } catch (error) {
      process.nextTick(callback, error, undefined);
      return;
    }
    this.requestEncoded(command.opaque, frame, timeoutMs, callback);
  }

  requestEncoded(
    opaque: number,
    frame: Buffer | readonly Buffer[],
    timeoutMs: number,
    callback: ResponseCallback,
  ): void {
    const refusal = this.refusal(opaque, lengthOf(frame));
    if (refusal !== undefined) {
      process.nextTick(callback, refusal, undefined);
      return;
    }
    this.table.add(opaque, timeoutMs, callback);
    this.send(frame);
  }

  /** Sends a request that writes its own frame. What its `encode` throws is thrown, and nothing was sent then. */
  sendRequest(request: EncodedRequest, timeoutMs: number): void {
    const { tail } = request;
    const room = request.roomBytes;
    const opaque = nextOpaque();
    const refusal = this.refusal(opaque, room + (tail?.length ?? 0));
    if (refusal !== undefined) {
      process.nextTick(() => request.onAnswer(refusal, undefined));
      return;
    }
    const page = this.writes.reserve(room);
    const end = request.encode(page, page.used, opaque);
    this.table.addRequest(opaque, timeoutMs, request, request.wallMs);
    this.writes.commit(end);
    if (tail !== undefined) this.writes.push(tail);
  }

  oneway(command: RemotingCommand): void {
    if (this.closeReason !== undefined) return;
    command.opaque = nextOpaque();
    const frame = encodeFrame(command.markOneway());
    if (this.hasRoomFor(lengthOf(frame))) {
      this.send(frame);
      return;
    }
    this.environment.log.warn(
      'oneway',
      `dropped a oneway request to ${this.remoteAddress}: ${this.bufferedBytes} bytes wait for it already`,
    );
  }

  onClose(listener: (reason: string) => void): void {
    if (this.closeReason === undefined) this.closeListeners.push(listener);
    else listener(this.closeReason);
  }

  /** Calls the listener once, as soon as the connection is writable again or has closed. */
  onceWritable(listener: () => void): void {
    this.writableListeners.push(listener);
  }

  close(reason = 'closed by this side'): void {
    if (this.closeReason !== undefined) return;
    this.writes.flush();
    this.finish(reason);
    endSoon(this.socket);
  }

  /** Resolves when the socket is gone, a moment after the connection has closed. */
  ended(): Promise<void> {
    if (this.socket.closed) return Promise.resolve();
    return new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  /** Closes without sending what is left. */
  destroy(reason: string): void {
    if (this.closeReason !== undefined) return;
    this.finish(reason);
    this.socket.destroy();
  }

  /** Takes no further request; what is answered still goes out. For {@link reset}, a moment later. */
  stopReading(): void {
    if (this.closeReason !== undefined) return;
    this.writes.flush();
    this.readsNoMore = true;
    this.reading = false;
    this.socket.pause();
  }

  /** Closes by a reset (RST), which the peer takes for an error, and not for an end. What has not reached it by now is lost. */
  reset(reason: string): void {
    if (this.closeReason !== undefined) return;
    this.finish(reason);
    this.socket.resetAndDestroy();
  }

  /**
   * Closes with a frame behind the last answer that no decoder takes, so that the peer closes by itself and fails what waits. A reset does as much only
   * while the peer reads before it writes: where a write meets the reset first, Netty tells nobody but that write.
   */
  breakOff(reason: string): void {
    if (this.closeReason !== undefined) return;
    this.writes.push(UNREADABLE_FRAME);
    this.writes.flush();
    // A peer that did not read its answers is gone by now.
    if (this.closeReason !== undefined) return;
    this.finish(reason);
    awaitPeerEnd(this.socket);
  }

  private send(frame: Buffer | readonly Buffer[]): void {
    if (Buffer.isBuffer(frame)) this.writes.push(frame);
    else this.writes.pushAll(frame);
  }

  private refusal(opaque: number, frameBytes: number): Error | undefined {
    if (this.closeReason !== undefined)
      return new RemotingSendError(this.remoteAddress, `the connection is closed (${this.closeReason})`);
    if (this.table.isFull) {
      return new RemotingTooMuchRequestError(this.remoteAddress, 'too many requests wait for an answer');
    }
    if (!this.hasRoomFor(frameBytes)) {
      return new RemotingTooMuchRequestError(this.remoteAddress, `${this.writes.bufferedBytes} bytes wait to be sent`);
    }
    if (this.table.has(opaque)) return new RemotingSendError(this.remoteAddress, `opaque ${opaque} is in use already`);
    return undefined;
  }

  /** Requests of this side never pass the limit of unsent bytes; a single frame always fits. */
  private hasRoomFor(frameBytes: number): boolean {
    const waitingBytes = this.writes.bufferedBytes;
    if (waitingBytes < this.environment.writeLimits.highWaterMarkBytes) return true;
    return waitingBytes + frameBytes <= this.environment.writeLimits.maxPerConnectionBytes;
  }

  /** Takes what was received: `bytes` up to `end`. Borrowed ones are there only until the call ends. */
  receive(bytes: Buffer, end: number, borrowed: boolean): void {
    if (this.closeReason !== undefined) return;
    this.lastReadMs = performance.now();
    this.decoder.push(bytes, end, borrowed);
    this.readFrames();
    this.decoder.keep();
  }

  private readFrames(): void {
    const { decoder, environment } = this;
    try {
      while (this.reading && this.closeReason === undefined) {
        if (!decoder.find()) break;
        const { frameStart, frameEnd } = decoder;
        const command = decodeFrame(decoder.frameSource, frameStart, frameEnd);
        if (command.isResponse) this.onResponse(command, decoder.frameIsBorrowed);
        else environment.dispatch(command, this, frameEnd - frameStart, decoder.frameIsBorrowed);
      }
    } catch (error) {
      environment.log.warn('malformed', `closing the connection of ${this.remoteAddress}: ${describeError(error)}`);
      this.destroy(`malformed frame: ${describeError(error)}`);
    }
  }

  private onResponse(response: RemotingCommand, borrowed: boolean): void {
    if (response.code === ResponseCode.GO_AWAY && !this.goingAway) {
      this.goingAway = true;
      this.environment.goingAway(this);
    }
    this.table.complete(response, borrowed);
    if (this.goingAway && this.table.size === 0) this.close('the peer is shutting down');
  }

  private readonly onBacklog = (): void => {
    const { writeLimits, buffered, log, pausesReading } = this.environment;
    const bytes = this.writes.bufferedBytes;
    if (bytes < writeLimits.highWaterMarkBytes) return;
    this.isWritable = false;
    // Requests of this side are refused below the limit: what passes it are answers to a peer that asks and does not read.
    if (bytes > writeLimits.maxPerConnectionBytes || buffered.bytes > writeLimits.maxTotalBytes) {
      const reason = `it does not read: ${bytes} bytes wait for it, ${buffered.bytes} for all connections`;
      log.warn('slow-peer', `closing the connection of ${this.remoteAddress}: ${reason}`);
      this.destroy(reason);
      return;
    }
    if (pausesReading && this.reading) {
      this.reading = false;
      this.socket.pause();
    }
  };

  private readonly onProgress = (): void => {
    if (this.isWritable || this.writes.bufferedBytes > this.environment.writeLimits.lowWaterMarkBytes) return;
    this.isWritable = true;
    this.callWritableListeners();
    if (this.reading || this.readsNoMore || this.closeReason !== undefined) return;
    this.reading = true;
    this.readFrames();
    if (this.reading && this.closeReason === undefined) this.socket.resume();
  };

  private callWritableListeners(): void {
    if (this.writableListeners.length === 0) return;
    const listeners = this.writableListeners;
    this.writableListeners = [];
    for (const listener of listeners) listener();
  }

  private onRequestTimeout(sentAtMs: number): void {
    const { silentPeerMs } = this.environment.timeouts;
    if (silentPeerMs === 0 || this.lastReadMs > sentAtMs || performance.now() - this.lastReadMs < silentPeerMs) return;
    this.destroy('the peer is silent: a request timed out and nothing else came meanwhile');
  }

  /** Everything that happens once, however the connection ended. */
  private finish(reason: string): void {
    this.closeReason = reason;
    this.isWritable = false;
    this.writes.close();
    this.decoder.close();
    this.served.clear();
    this.table.failAll(new RemotingSendError(this.remoteAddress, `the connection closed: ${reason}`));
    const listeners = this.closeListeners;
    this.closeListeners = [];
    this.environment.closed(this, reason);
    for (const listener of listeners) {
      try {
        listener(reason);
      } catch (error) {
        this.environment.log.error('close-listener', `a close listener threw: ${describeError(error)}`);
      }
    }
    this.callWritableListeners();
  }
}

function lengthOf(frame: Buffer | readonly Buffer[]): number {
  if (Buffer.isBuffer(frame)) return frame.length;
  let bytes = 0;
  for (const piece of frame) bytes += piece.length;
  return bytes;
}
