import type { RemotingCommand } from '@rocknest/protocol';
import type { Connection } from './connection.js';

/** What a handler returns when `connection.respond()` or `respondEncoded()` comes later, exactly once. */
export const DEFERRED: unique symbol = Symbol('rocknest.remoting.deferred');

/**
 * What answering a request needs of it. A handler that waits long keeps one of these (`connection.requestRef(request)`)
 * instead of the request, which holds on to the memory it was received in.
 */
export interface RequestRef {
  readonly opaque: number;
  readonly isOneway: boolean;
}

export type HandlerResult = RemotingCommand | typeof DEFERRED | void;

/**
 * Serves one request code. A returned command is sent as the response (opaque and flag are set by the connection; dropped
 * for oneway requests). Nothing returned means that there is no answer. A thrown error is answered with
 * SYSTEM_ERROR, or with its own numeric `responseCode`, and its message as remark. A handler that returns no
 * promise costs none.
 */
export type RequestHandler = (
  request: RemotingCommand,
  connection: Connection,
) => HandlerResult | Promise<HandlerResult>;

const READS_AT_ONCE: unique symbol = Symbol('rocknest.remoting.reads-at-once');

/**
 * Marks a handler that is through with the bytes of a request when it returns, be it with a promise: it gets the request where it was received,
 * which is overwritten by the next one. A handler that finds out that it needs them longer calls `request.detach()`. All others get a copy.
 */
export function readingAtOnce(handler: RequestHandler): RequestHandler {
  return Object.assign(handler, { [READS_AT_ONCE]: true });
}

export function readsAtOnce(handler: RequestHandler): boolean {
  return READS_AT_ONCE in handler;
}

/** Gets either an error or the response. Never called within the call that it was given to. */
export type ResponseCallback = (error: Error | undefined, response: RemotingCommand | undefined) => void;
