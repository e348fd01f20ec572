import { RpcException } from '@nestjs/microservices';

/**
 * Base of the exceptions that reach the transport whole. Nest replaces every other exception by
 * `{ status: 'error', message: 'Internal server error' }` before a transport sees it; one whose `getError()` returns itself passes.
 */
export class RocketMQException extends RpcException {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message);
    this.name = new.target.name;
    if (options && 'cause' in options) this.cause = options.cause;
  }

  override getError(): this {
    return this;
  }
}
