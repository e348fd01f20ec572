import { NAMESPACE_FIELD, NAMESPACED_FIELD, type RemotingCommand } from '@rocknest/protocol';
import type { EncodedRequest, RequestHandler, ResponseCallback } from '@rocknest/remoting';
import type { ClientTransport } from './transport.js';

/**
 * Puts the client's `namespaceV2` into each request (RocketMQ: `client/rpchook/NamespaceRpcHook.java`). Requests that write their own frames have it
 * in their templates.
 */
export class NamespacedTransport implements ClientTransport {
  constructor(
    private readonly transport: ClientTransport,
    private readonly namespace: string,
  ) {}

  invoke(address: string, command: RemotingCommand, timeoutMs: number): Promise<RemotingCommand> {
    return this.transport.invoke(address, this.namespaced(command), timeoutMs);
  }

  invokeCallback(address: string, command: RemotingCommand, timeoutMs: number, callback: ResponseCallback): void {
    this.transport.invokeCallback(address, this.namespaced(command), timeoutMs, callback);
  }

  invokeRequest(address: string, request: EncodedRequest, timeoutMs: number): void {
    this.transport.invokeRequest(address, request, timeoutMs);
  }

  invokeOneway(address: string, command: RemotingCommand): Promise<void> {
    return this.transport.invokeOneway(address, this.namespaced(command));
  }

  registerHandler(code: number, handler: RequestHandler): void {
    this.transport.registerHandler(code, handler);
  }

  closeConnection(address: string): void {
    this.transport.closeConnection(address);
  }

  close(): Promise<void> {
    return this.transport.close();
  }

  private namespaced(command: RemotingCommand): RemotingCommand {
    command.setField(NAMESPACED_FIELD, true);
    command.setField(NAMESPACE_FIELD, this.namespace);
    return command;
  }
}
