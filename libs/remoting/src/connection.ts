import type { RemotingCommand } from '@rocknest/protocol';
import type { WritePage } from './net/write-page.js';
import type { RequestRef, ResponseCallback } from './request-handler.js';

/** One TCP connection, of a server or of a client: both sides may send requests on it. */
export interface Connection {
  /** Unique within the process. */
  readonly id: number;
  /** `ip:port` of the peer; IPv6 addresses stand in brackets. */
  readonly remoteAddress: string;
  /** `ip:port` of this side. */
  readonly localAddress: string;
  /** Raw ip and int32 port of the peer, 8 or 20 bytes: a message's born host. */
  readonly remoteHostBytes: Buffer;
  readonly closed: boolean;
  /** Below the high-water mark of unsent bytes. While false, a server reads no requests from the peer. */
  readonly writable: boolean;
  /** Bytes that were given to this connection and not yet taken by the kernel. */
  readonly bufferedBytes: number;
  /** Requests of the peer that wait for an answer. */
  readonly inFlight: number;
  /** What handlers keep with the connection, for example who the client is. */
  readonly attributes: Map<string | symbol, unknown>;

  /** The part of a request that answering it later needs. */
  requestRef(request: RequestRef): RequestRef;
  /** Answers a request; sets opaque and flag of the response. Does nothing for a oneway request or a closed connection. */
  respond(request: RequestRef, response: RemotingCommand): void;
  /** Answers with a whole response frame that the caller encoded. The bytes must not be changed afterwards. */
  respondEncoded(request: RequestRef, frame: Buffer | readonly Buffer[]): void;
  /**
   * Room in this connection's output for a response frame of at most `maxBytes`, to be encoded in place from `page.used` on and handed over
   * with `respondReserved` before anything else is sent: the cheapest way to answer. Undefined when the connection has closed.
   */
  reserve(maxBytes: number): WritePage | undefined;
  /** Answers with what was encoded into the reserved room up to `end`; `start` says where the frame begins when that is not at `page.used`. */
  respondReserved(request: RequestRef, end: number, start?: number): void;

  /**
   * Sends a request to the peer.
   *
   * @throws RemotingTimeoutError no answer within `timeoutMs`
   * @throws RemotingSendError the connection is or was closed
   * @throws RemotingTooMuchRequestError too many requests or bytes wait already
   */
  request(command: RemotingCommand, timeoutMs: number): Promise<RemotingCommand>;
  /** The same with a callback, and without a promise. */
  requestCallback(command: RemotingCommand, timeoutMs: number, callback: ResponseCallback): void;
  /** Sends a whole request frame that the caller encoded with this opaque (of `nextOpaque()`). */
  requestEncoded(
    opaque: number,
    frame: Buffer | readonly Buffer[],
    timeoutMs: number,
    callback: ResponseCallback,
  ): void;
  /** Sends a request that gets no answer. Dropped when the connection is closed or holds too many unsent bytes. */
  oneway(command: RemotingCommand): void;

  /** Called once when the connection has closed; at once when it is closed already. */
  onClose(listener: (reason: string) => void): void;
  /** Sends what was answered so far and closes. Pending requests fail. */
  close(reason?: string): void;
}
