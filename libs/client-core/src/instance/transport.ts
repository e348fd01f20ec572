import type { RemotingCommand } from '@rocknest/protocol';
import { RemotingClient, type EncodedRequest, type RequestHandler, type ResponseCallback } from '@rocknest/remoting';
import { LogLimiter, type ClientLogger } from '../logger.js';

/** What this room needs of `@rocknest/remoting`'s client: tests put a double in its place. */
export interface ClientTransport {
  invoke(address: string, command: RemotingCommand, timeoutMs: number): Promise<RemotingCommand>;
  invokeCallback(address: string, command: RemotingCommand, timeoutMs: number, callback: ResponseCallback): void;
  /** A request that writes its own frame. @throws what its `encode` throws. */
  invokeRequest(address: string, request: EncodedRequest, timeoutMs: number): void;
  invokeOneway(address: string, command: RemotingCommand): Promise<void>;
  registerHandler(code: number, handler: RequestHandler): void;
  closeConnection(address: string): void;
  close(): Promise<void>;
}

export interface TransportEvents {
  onConnectionOpen(address: string): void;
  onConnectionClose(address: string): void;
}

export type TransportFactory = (events: TransportEvents, logger: ClientLogger) => ClientTransport;

/** The real one. Failures come back to the callers, who report them; so the transport's own words are for debugging. */
export const remotingTransport: TransportFactory = (events, logger) => {
  const limiter = new LogLimiter();
  const debug = (message: string): void => {
    if (logger.debug && limiter.allows(message)) logger.debug(message);
  };
  return new RemotingClient({
    onConnectionOpen: (address) => events.onConnectionOpen(address),
    onConnectionClose: (address) => events.onConnectionClose(address),
    logger: { debug, log: debug, warn: debug, error: (message: string) => logger.error(message) },
  });
};
