import { RpcException } from '@nestjs/microservices';
import { RemotingCommand, ResponseCode } from '@rocknest/protocol';
import { type Connection, DEFERRED, type HandlerResult } from '@rocknest/remoting';
import { isObservable, lastValueFrom } from 'rxjs';

/** A method as Nest wraps it: with its guards, pipes, interceptors and filters. */
export type NestWrappedHandler = (request: RemotingCommand, connection: Connection) => unknown;

/** What a guard that says no is turned into by Nest. */
const FORBIDDEN_MESSAGE = 'Forbidden resource';

/**
 * Calls a method through Nest's wrapping and turns what comes of it into a handler's result. Errors arrive in the form
 * that Nest's filters give them, and become response codes:
 * `responseCode` or `code` of a thrown RpcException's error object where it is an integer, NO_PERMISSION where a guard said no, else
 * SYSTEM_ERROR; its message is the remark.
 */
export async function callWrapped(
  handler: NestWrappedHandler,
  request: RemotingCommand,
  connection: Connection,
): Promise<HandlerResult> {
  try {
    const returned = await handler(request, connection);
    const result: unknown = isObservable(returned)
      ? await lastValueFrom(returned, { defaultValue: undefined })
      : returned;
    if (result === undefined || result === DEFERRED || result instanceof RemotingCommand) return result;
    const remark = `the handler returned ${typeof result}, which is no RemotingCommand`;
    return RemotingCommand.response(ResponseCode.SYSTEM_ERROR, { remark });
  } catch (error) {
    return responseOf(error);
  }
}

export function responseOf(error: unknown): RemotingCommand {
  const content: unknown = error instanceof RpcException ? error.getError() : error;
  if (typeof content === 'string') return errorResponse(ResponseCode.SYSTEM_ERROR, content);
  const { responseCode, code, message } = fieldsOf(content);
  const remark = typeof message === 'string' && message !== '' ? message : 'the handler failed without a message';
  if (Number.isInteger(responseCode)) return errorResponse(responseCode as number, remark);
  if (Number.isInteger(code)) return errorResponse(code as number, remark);
  return errorResponse(remark === FORBIDDEN_MESSAGE ? ResponseCode.NO_PERMISSION : ResponseCode.SYSTEM_ERROR, remark);
}

function errorResponse(code: number, remark: string): RemotingCommand {
  return RemotingCommand.response(code, { remark });
}

function fieldsOf(value: unknown): { responseCode?: unknown; code?: unknown; message?: unknown } {
  return typeof value === 'object' && value !== null ? value : {};
}
