import { MqVersion, RemotingCommand, ResponseCode } from '@rocknest/protocol';
import { MAX_ERROR_REMARK_CHARS } from './defaults.js';
import type { LimitedLog } from './logger.js';
import type { SocketConnection } from './net/socket-connection.js';
import { DEFERRED, type HandlerResult, readsAtOnce, type RequestHandler } from './request-handler.js';
import { describeError } from './support/describe-error.js';

const BUSY_REMARK = '[OVERLOAD]system busy, start flow control for a while';
const JAVA = 'JAVA';
const GO_AWAY_REMARK = 'please go away';
/** The error of a handler that got no better text from what was thrown. */
const NO_MESSAGE = 'the handler failed without a message';

interface Entry {
  readonly handler: RequestHandler;
  /** It may keep what a request was received in. */
  readonly copies: boolean;
}

/**
 * The table of request codes: takes each request of a peer to its handler and what comes of it back to the peer.
 *
 * Follows `NettyRemotingAbstract.processRequestCommand`.
 */
export class RequestDispatcher {
  /** While true, peers that understand it are asked to go elsewhere instead of being served. */
  goingAway = false;

  private readonly handlers = new Map<number, Entry>();
  private fallback: Entry | undefined = undefined;

  constructor(private readonly log: LimitedLog) {}

  register(code: number, handler: RequestHandler): void {
    this.handlers.set(code, { handler, copies: !readsAtOnce(handler) });
  }

  /** Serves the codes that have no handler of their own. */
  registerDefault(handler: RequestHandler): void {
    this.fallback = { handler, copies: !readsAtOnce(handler) };
  }

  /** @param borrowed the bytes of the request are there only until the call ends */
  dispatch(request: RemotingCommand, connection: SocketConnection, frameBytes: number, borrowed: boolean): void {
    connection.missesEnd = request.version < MqVersion.V5_1_3 && request.language === JAVA;
    if (this.goingAway && !request.isOneway && request.version > MqVersion.V5_3_1) {
      this.refuse(request, connection, ResponseCode.GO_AWAY, GO_AWAY_REMARK);
      return;
    }
    if (!connection.served.tryBegin(request.opaque, frameBytes)) {
      this.refuse(request, connection, ResponseCode.SYSTEM_BUSY, BUSY_REMARK);
      return;
    }
    const entry = this.handlers.get(request.code) ?? this.fallback;
    if (entry === undefined) {
      connection.served.end(request.opaque);
      const code = ResponseCode.REQUEST_CODE_NOT_SUPPORTED;
      this.refuse(request, connection, code, ` request type ${request.code} not supported`);
      return;
    }
    if (borrowed && entry.copies) request.detach();
    let result: HandlerResult | Promise<HandlerResult>;
    try {
      result = entry.handler(request, connection);
    } catch (error) {
      this.failed(request, connection, error);
      return;
    }
    if (result === DEFERRED) {
      if (request.isOneway) connection.served.end(request.opaque);
    } else if (result instanceof RemotingCommand || result === undefined) {
      this.finished(request, connection, result);
    } else if (typeof result.then !== 'function') {
      this.failed(
        request,
        connection,
        new TypeError(`a handler returned ${typeof result}, which is no RemotingCommand`),
      );
    } else {
      // What waits here keeps the request, and with it the memory that it was received in: the in-flight limits bound it.
      result.then(
        (late) => this.finished(request, connection, late),
        (error: unknown) => this.failed(request, connection, error),
      );
    }
  }

  private finished(request: RemotingCommand, connection: SocketConnection, result: HandlerResult): void {
    if (request.isOneway || result === undefined) connection.served.end(request.opaque);
    else if (result !== DEFERRED) connection.respond(request, result);
  }

  private failed(request: RemotingCommand, connection: SocketConnection, error: unknown): void {
    const code = responseCodeOf(error);
    if (code === undefined) {
      this.log.error('handler', `handler of request code ${request.code} failed: ${describeError(error)}`);
    }
    if (request.isOneway) {
      connection.served.end(request.opaque);
      return;
    }
    connection.respond(
      request,
      RemotingCommand.response(code ?? ResponseCode.SYSTEM_ERROR, { remark: remarkOf(error) }),
    );
  }

  /** Answers a request that is not in flight. A oneway request gets no answer, whatever becomes of it. */
  private refuse(request: RemotingCommand, connection: SocketConnection, code: number, remark: string): void {
    if (!request.isOneway) connection.answerUncounted(request, RemotingCommand.response(code, { remark }));
  }
}

function responseCodeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('responseCode' in error)) return undefined;
  return typeof error.responseCode === 'number' && Number.isInteger(error.responseCode)
    ? error.responseCode
    : undefined;
}

function remarkOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text === '' ? NO_MESSAGE : text).slice(0, MAX_ERROR_REMARK_CHARS);
}
