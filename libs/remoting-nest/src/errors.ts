import { RocknestError } from '@rocknest/protocol';

/** The handlers of an application do not fit together, or cannot be found. Thrown when the microservice starts. */
export class RequestHandlerSetupError extends RocknestError {
  constructor(message: string, details?: Record<string, unknown>) {
    super('REMOTING_HANDLER_SETUP', message, { details });
  }
}
