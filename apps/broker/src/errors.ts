import { RocknestError } from '@rocknest/protocol';

/**
 * A request that the broker refuses. `responseCode` is the code that goes to the client, the message its remark.
 * The remoting server turns a thrown one into the response.
 */
export class RequestRefusedError extends RocknestError {
  constructor(
    readonly responseCode: number,
    remark: string,
    details?: Record<string, unknown>,
  ) {
    super('BROKER_REQUEST_REFUSED', remark, { details: { responseCode, ...details } });
  }
}

/** The broker could not start. The message says what is wrong and what to do; `main` prints it without a stack. */
export class BrokerStartError extends RocknestError {
  constructor(code: string, message: string, options?: { cause?: unknown; details?: Record<string, unknown> }) {
    super(code, message, options);
  }
}
