import type { ArgumentsHost } from '@nestjs/common';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import { isRocketMQContext } from '../context/rocketmq.context.js';

const DONE = Symbol.for('rocknest.original-exceptions');

/**
 * Lets exceptions of RocketMQ handlers, their pipes, guards and interceptors reach the transport as they are, so that a policy knows their class.
 * What Nest does when no filter takes an exception puts `Internal server error` in its place, and no filter of a library can stand behind all
 * those of the application (docs/internals/client.md says why). So the last one, Nest's own, is told to pass messages of this
 * transport on; those of other transports are treated as before. Filters of the application go before it as ever. Done once for each
 * copy of Nest, also when this package is loaded again: contexts of all its copies are known by a mark.
 */
export function letOriginalExceptionsThrough(): void {
  const prototype = BaseRpcExceptionFilter.prototype as BaseRpcExceptionFilter & { [DONE]?: true };
  if (prototype[DONE]) return;
  const original = Object.getOwnPropertyDescriptor(prototype, 'catch')?.value as BaseRpcExceptionFilter['catch'];
  prototype[DONE] = true;
  prototype.catch = function (
    this: BaseRpcExceptionFilter,
    exception: unknown,
    host: ArgumentsHost,
  ): Observable<unknown> {
    if (isRocketMQContext(host.switchToRpc().getContext<unknown>())) return throwError(() => exception);
    return original.call(this, exception, host);
  };
}
