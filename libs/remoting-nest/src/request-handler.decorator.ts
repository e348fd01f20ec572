import 'reflect-metadata';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import type { HandlerResult } from '@rocknest/remoting';
import {
  hasParamMetadata,
  READS_AT_ONCE_METADATA,
  REMOTING_TRANSPORT,
  REQUEST_HANDLER_METADATA,
} from './request-handler-metadata.js';

/** A method that serves requests. Its parameters are the request and the connection unless it decorates them itself. */
export type RequestHandlerMethod = (...args: never[]) => HandlerResult | Promise<HandlerResult>;

export type RequestHandlerDecorator = <T extends RequestHandlerMethod>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void;

/**
 * Serves one request code, or several, with a method of a controller: `handle(request: RemotingCommand, connection: Connection)`.
 * What it returns is what a `RequestHandler` of `@rocknest/remoting` returns.
 *
 * The method is called as a plain function. Where it or its class declares guards, pipes, interceptors or filters, or
 * decorated parameters, or where its controller is request-scoped, Nest's wrapping of the method is called instead.
 */
export function RequestHandler(...codes: [number, ...number[]]): RequestHandlerDecorator {
  return (target, key, descriptor) => {
    const method = descriptor.value;
    if (method === undefined) return;
    Reflect.defineMetadata(REQUEST_HANDLER_METADATA, codes, method);
    // Nest hands a method without decorated parameters the payload alone.
    if (!hasParamMetadata(target.constructor, key)) {
      Payload()(target, key, 0);
      Ctx()(target, key, 1);
    }
    MessagePattern(codes, REMOTING_TRANSPORT)(target, key, descriptor);
  };
}

/**
 * Beside `@RequestHandler`: the method is through with the bytes of the request when it returns, be it with a promise, and spares the copy that others get of it. See
 * `readingAtOnce` of `@rocknest/remoting`. Nest's wrapping ends it: a wrapped method gets a copy.
 */
export function ReadsAtOnce(): MethodDecorator {
  return (_target, _key, descriptor) => {
    if (typeof descriptor.value === 'function') Reflect.defineMetadata(READS_AT_ONCE_METADATA, true, descriptor.value);
  };
}
