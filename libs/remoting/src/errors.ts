import { RocknestError } from '@rocknest/protocol';

/** No connection to the address: refused, unknown host, or not within the connect time-out. Nothing was sent. */
export class RemotingConnectError extends RocknestError {
  constructor(address: string, why: string, cause?: unknown) {
    super(
      'REMOTING_CONNECT',
      `cannot connect to ${address}: ${why}. Check that the address is right and that a namesrv or broker listens there`,
      { retriable: true, cause, details: { address } },
    );
  }
}

/** The connection closed, or the request could not be written. The peer may or may not have handled the request. */
export class RemotingSendError extends RocknestError {
  constructor(address: string, why: string, cause?: unknown) {
    super('REMOTING_SEND', `request to ${address} failed: ${why}`, { retriable: true, cause, details: { address } });
  }
}

/** No answer in time. The peer may or may not have handled the request. */
export class RemotingTimeoutError extends RocknestError {
  constructor(address: string, timeoutMs: number, what = 'no answer') {
    super('REMOTING_TIMEOUT', `${what} from ${address} within ${timeoutMs} ms`, {
      retriable: true,
      details: { address, timeoutMs },
    });
  }
}

/** A limit of the sender itself: too many requests wait for an answer, or too many bytes wait to be sent. Nothing was sent. */
export class RemotingTooMuchRequestError extends RocknestError {
  constructor(address: string, why: string) {
    super('REMOTING_TOO_MUCH_REQUEST', `request to ${address} refused: ${why}; send slower or wait for answers`, {
      retriable: true,
      details: { address },
    });
  }
}

/** The server could not listen. The message says what to do. */
export class RemotingListenError extends RocknestError {
  constructor(host: string, port: number, cause: NodeJS.ErrnoException) {
    super('REMOTING_LISTEN', `cannot listen on ${host}:${port}: ${adviceFor(host, port, cause)}`, {
      cause,
      details: { host, port, errno: cause.code },
    });
  }
}

function adviceFor(host: string, port: number, cause: NodeJS.ErrnoException): string {
  switch (cause.code) {
    case 'EADDRINUSE':
      return `another process uses the port (EADDRINUSE). Stop that process, or choose another port`;
    case 'EACCES':
      return port < 1024
        ? `not permitted (EACCES). Ports below 1024 need special rights; choose a port above 1023`
        : `not permitted (EACCES). Choose another port or address, or let this user listen there`;
    case 'EADDRNOTAVAIL':
      return `this machine has no such address (EADDRNOTAVAIL). Use an address of this machine, or 0.0.0.0 for all of them`;
    case 'ENOTFOUND':
      return `the host name is unknown (ENOTFOUND). Use an IP address of this machine, or 0.0.0.0 for all of them`;
    default:
      return `${cause.message}. Check address and port of ${host}`;
  }
}
