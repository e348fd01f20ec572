import { encodeFrame, RemotingCommand, ResponseCode } from '@rocknest/protocol';
import { MAX_ERROR_REMARK_CHARS } from '../defaults.js';
import type { LimitedLog } from '../logger.js';
import { describeError } from '../support/describe-error.js';

/** The frame of a response; of one that cannot be encoded, what says why: the peer would wait in vain otherwise. */
export function encodeResponse(response: RemotingCommand, remoteAddress: string, log: LimitedLog): Buffer[] {
  try {
    return encodeFrame(response);
  } catch (error) {
    const remark = describeError(error);
    log.error('encode', `cannot send a response to ${remoteAddress}: ${remark}`);
    const substitute = RemotingCommand.response(ResponseCode.SYSTEM_ERROR, {
      remark: remark.slice(0, MAX_ERROR_REMARK_CHARS),
    });
    substitute.opaque = response.opaque;
    return encodeFrame(substitute);
  }
}
