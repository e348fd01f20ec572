import { Catch, type ArgumentsHost, type RpcExceptionFilter } from '@nestjs/common';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import { isRocketMQContext } from '../context/rocketmq.context.js';

/**
 * Lets the original exception through to the transport, where Nest's own filter would put `Internal server error` in its place.
 * Use it with `@UseFilters(RocketMQExceptionFilter)` on a consumer class, or first among the global filters of a microservice:
 * filters that are nearer to the handler, and later global ones, go before it. Messages of other transports are treated as Nest does.
 */
@Catch()
export class RocketMQExceptionFilter extends BaseRpcExceptionFilter implements RpcExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost): Observable<unknown> {
    if (host.getType() !== 'rpc') throw exception;
    if (isRocketMQContext(host.switchToRpc().getContext<unknown>())) return throwError(() => exception);
    return super.catch(exception, host);
  }
}
