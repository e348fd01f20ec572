import { EventEmitter } from 'node:events';
import { Logger } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import type { RemotingCommand } from '@rocknest/protocol';
import {
  type Connection,
  type HandlerResult,
  RemotingServer,
  type RemotingServerOptions,
  type RequestHandler,
} from '@rocknest/remoting';
import { RequestHandlerSetupError } from './errors.js';
import { discoverHandlers, globalEnhancerTokens } from './handler-discovery.js';
import { buildHandlerTable } from './handler-table.js';
import { RequestContext } from './request-context.js';
import { REMOTING_TRANSPORT } from './request-handler-metadata.js';
import { callWrapped, type NestWrappedHandler } from './wrapped-handler.js';

/** One more port for the same handlers. Settings that it leaves out are those of the strategy. */
export interface AdditionalListener extends RemotingServerOptions {
  /** Request codes that this port does not serve: it answers them with code 3. */
  excludeCodes?: readonly number[];
}

export interface RemotingServerStrategyOptions extends RemotingServerOptions {
  additionalListeners?: readonly AdditionalListener[];
  /** Serves the codes that no method serves; without it they are answered with code 3. */
  defaultHandler?: RequestHandler;
  /**
   * Runs global guards, pipes, interceptors, filters and pre-request hooks around every handler, at Nest's price for each
   * request. Default false: only what a handler or its class declares is run.
   */
  useGlobalEnhancers?: boolean;
}

export type RemotingServerStatus = 'listening' | 'closed';

export type RemotingServerEvents = {
  connectionOpen: (connection: Connection) => void;
  connectionClose: (connection: Connection, reason: string) => void;
};

/**
 * Makes remoting servers a Nest microservice: `NestFactory.createMicroservice(AppModule, { strategy: new RemotingServerStrategy({ port }) })`,
 * or `connectMicroservice`. When it starts to listen, each `@RequestHandler` method becomes a plain function in the
 * servers' tables: a request costs no Observable and no look-up of a pattern. {@link RemotingModule} must be imported.
 */
export class RemotingServerStrategy
  extends Server<RemotingServerEvents, RemotingServerStatus>
  implements CustomTransportStrategy
{
  override readonly transportId = REMOTING_TRANSPORT;
  /** The first is the strategy's own port, then the additional ones. */
  readonly servers: readonly RemotingServer[];

  protected override readonly logger = new Logger(RemotingServerStrategy.name);
  private readonly options: RemotingServerStrategyOptions;
  private readonly events = new EventEmitter();
  private readonly wrappedHandlers = new Map<number, NestWrappedHandler>();
  private readonly addresses: { host: string; port: number }[] = [];
  private modules: ModulesContainer | undefined = undefined;
  private closing: Promise<void> | undefined = undefined;

  constructor(options: RemotingServerStrategyOptions = {}) {
    super();
    this.options = options;
    this.servers = [options, ...(options.additionalListeners ?? [])].map((listener) => this.createServer(listener));
  }

  /** The server of the strategy's own port. */
  get server(): RemotingServer {
    return this.servers[0];
  }

  /** Where each of {@link servers} listens; empty before it does. */
  get listeningAddresses(): readonly { host: string; port: number }[] {
    return this.addresses;
  }

  /** @internal called by RemotingModule */
  useModules(modules: ModulesContainer): void {
    this.modules = modules;
  }

  /** Called by Nest with each method that it has wrapped; those of other transports are left alone. */
  override addHandler(pattern: unknown, callback: MessageHandler, isEventHandler = false): void {
    if (typeof pattern !== 'number' || isEventHandler) {
      this.logger.warn(
        `a handler for pattern ${JSON.stringify(pattern)} has no transport: requests are served by @RequestHandler only`,
      );
      return;
    }
    this.wrappedHandlers.set(pattern, callback);
  }

  override listen(callback: (error?: unknown, info?: unknown) => void): void {
    this.start().then(
      () => callback(undefined, this.addresses),
      (error: unknown) => callback(error),
    );
  }

  /** Stops accepting, lets requests in flight end, closes all connections. May be called again. */
  override close(): Promise<void> {
    this.closing ??= Promise.all(this.servers.map((server) => server.close())).then(() => {
      this._status$.next('closed');
    });
    return this.closing;
  }

  override on<K extends keyof RemotingServerEvents>(event: K, callback: RemotingServerEvents[K]): void {
    this.events.on(event, callback);
  }

  override unwrap<T = readonly RemotingServer[]>(): T {
    return this.servers as T;
  }

  private async start(): Promise<void> {
    const table = this.buildTable();
    const listeners: AdditionalListener[] = [{}, ...(this.options.additionalListeners ?? [])];
    try {
      for (const [index, server] of this.servers.entries()) {
        const excluded = new Set(listeners[index].excludeCodes);
        for (const [code, handler] of table) if (!excluded.has(code)) server.register(code, handler);
        if (this.options.defaultHandler !== undefined) server.registerDefault(this.options.defaultHandler);
        this.addresses.push(await server.listen());
      }
    } catch (error) {
      await this.close();
      throw error;
    }
    this._status$.next('listening');
  }

  private buildTable(): Map<number, RequestHandler> {
    const { modules } = this;
    if (modules === undefined) {
      throw new RequestHandlerSetupError(
        'the application does not import RemotingModule of @rocknest/remoting-nest, so its @RequestHandler methods cannot be found: add it to the imports of the root module',
      );
    }
    const useGlobalEnhancers = this.options.useGlobalEnhancers ?? false;
    const globals = useGlobalEnhancers ? [] : globalEnhancerTokens(modules);
    if (globals.length > 0) {
      this.logger.warn(
        `${globals.join(', ')} do not run for @RequestHandler methods: set useGlobalEnhancers, or declare them on the handler`,
      );
    }
    return buildHandlerTable({
      discovered: discoverHandlers(modules),
      wrapped: (code) => this.wrapped(code),
      useGlobalEnhancers,
    });
  }

  private wrapped(code: number): RequestHandler | undefined {
    const handler = this.wrappedHandlers.get(code);
    if (handler === undefined) return undefined;
    return (request, connection) => this.runWithHooks(handler, request, connection);
  }

  /** Nest's hooks for tracing run around wrapped handlers; plain ones cost nothing. */
  private runWithHooks(
    handler: NestWrappedHandler,
    request: RemotingCommand,
    connection: Connection,
  ): Promise<HandlerResult> {
    const context = new RequestContext([request, connection]);
    return new Promise((resolve, reject) => {
      this.onProcessingStartHook(this.transportId, context, async () => {
        await callWrapped(handler, request, connection).then(resolve, reject);
        this.onProcessingEndHook?.(this.transportId, context);
      });
    });
  }

  private createServer(listener: RemotingServerOptions): RemotingServer {
    const merged: RemotingServerOptions = { logger: this.logger, ...this.options, ...listener };
    return new RemotingServer({
      ...merged,
      onConnectionOpen: (connection) => {
        merged.onConnectionOpen?.(connection);
        this.events.emit('connectionOpen', connection);
      },
      onConnectionClose: (connection, reason) => {
        merged.onConnectionClose?.(connection, reason);
        this.events.emit('connectionClose', connection, reason);
      },
    });
  }
}
