import { ResponseCode, type RemotingCommand } from '@rocknest/protocol';
import { RemotingTimeoutError, RemotingTooMuchRequestError } from '@rocknest/remoting';
import { errorText, MQBrokerError, MQClientError, MQClientErrorCode } from '../errors.js';
import type { ClientTransport } from './transport.js';

/** What went wrong below, in this room's words; the cause is kept. */
export function transportError(what: string, address: string, cause: unknown): MQClientError {
  if (cause instanceof MQClientError) return cause;
  let code: MQClientErrorCode = MQClientErrorCode.CONNECTION_FAILED;
  if (cause instanceof RemotingTimeoutError) code = MQClientErrorCode.TIMEOUT;
  else if (cause instanceof RemotingTooMuchRequestError) code = MQClientErrorCode.TOO_MANY_PENDING_SENDS;
  return new MQClientError(code, `${what}: ${errorText(cause)}`, { retriable: true, cause, details: { address } });
}

/** Answers that mean "not now" rather than "not so". */
const RETRIABLE: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.GO_AWAY,
]);

/**
 * One request that must succeed.
 *
 * @param what is done, for the error: "max offset of t b 0".
 * @throws MQBrokerError for any other code than SUCCESS; MQClientError TIMEOUT or CONNECTION_FAILED.
 */
export async function call(
  transport: Pick<ClientTransport, 'invoke'>,
  address: string,
  command: RemotingCommand,
  timeoutMs: number,
  what: string,
): Promise<RemotingCommand> {
  let response: RemotingCommand;
  try {
    response = await transport.invoke(address, command, timeoutMs);
  } catch (error) {
    throw transportError(what, address, error);
  }
  if (response.code !== ResponseCode.SUCCESS) {
    throw new MQBrokerError(what, address, response.code, response.remark, { retriable: RETRIABLE.has(response.code) });
  }
  return response;
}
