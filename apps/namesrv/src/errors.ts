import { ResponseCode, RocknestError } from '@rocknest/protocol';

/**
 * A request that the namesrv refuses. `responseCode` is the code that goes to the peer, the message its remark: the remoting server turns
 * a thrown one into the response.
 */
export class RequestRefusedError extends RocknestError {
  constructor(
    readonly responseCode: number,
    remark: string,
  ) {
    super('NAMESRV_REQUEST_REFUSED', remark, { details: { responseCode } });
  }
}

/** A limit of the namesrv (an option) is reached. Nothing was changed. */
export class NamesrvLimitError extends RequestRefusedError {
  constructor(what: string, limit: number, option: string) {
    super(ResponseCode.SYSTEM_ERROR, `the namesrv holds ${limit} ${what}, which is its limit (${option})`);
  }
}
