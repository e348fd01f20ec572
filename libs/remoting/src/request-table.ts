import type { RemotingCommand } from '@rocknest/protocol';
import { RemotingTimeoutError } from './errors.js';
import type { LimitedLog } from './logger.js';
import type { ResponseCallback } from './request-handler.js';
import { TimerEntry, type TimerWheel } from './support/timer-wheel.js';

/** How many requests wait for an answer, over everything that shares the limit. */
export interface PendingLimit {
  pending: number;
  readonly maxPending: number;
}

export interface RequestTableOptions {
  address: string;
  wheel: TimerWheel;
  limit: PendingLimit;
  log: LimitedLog;
  /** Told of each time-out: the moment at which the request was sent may show that the peer is gone. */
  onRequestTimeout(sentAtMs: number): void;
}

/** A request under way: an entry of the table and of the timer wheel in one. */
export abstract class PendingRequest extends TimerEntry {
  /** @internal The table that it stands in. */ table: RequestTable | undefined = undefined;
  /** @internal */ opaque = 0;
  /** @internal */ answerTimeoutMs = 0;

  /** True when `onAnswer` is through with the answer when it returns: what it was received in may be used again then. */
  get readsAnswerAtOnce(): boolean {
    return false;
  }

  abstract onAnswer(error: Error | undefined, response: RemotingCommand | undefined): void;

  override onTimeout(): void {
    this.table!.timedOut(this);
  }
}

class CallbackRequest extends PendingRequest {
  constructor(readonly onAnswer: ResponseCallback) {
    super();
  }
}

/** The requests of this side on one connection that wait for an answer, found by their opaque. */
export class RequestTable {
  private requests = new Map<number, PendingRequest>();

  constructor(private readonly options: RequestTableOptions) {}

  get size(): number {
    return this.requests.size;
  }

  get isFull(): boolean {
    return this.options.limit.pending >= this.options.limit.maxPending;
  }

  add(opaque: number, timeoutMs: number, callback: ResponseCallback): void {
    this.addRequest(opaque, timeoutMs, new CallbackRequest(callback));
  }

  /** Adds a request that stands in no table. @param wallMs `Date.now()` when the caller has just read it */
  addRequest(opaque: number, timeoutMs: number, request: PendingRequest, wallMs?: number): void {
    request.table = this;
    request.opaque = opaque;
    request.answerTimeoutMs = timeoutMs;
    this.requests.set(opaque, request);
    this.options.limit.pending++;
    this.options.wheel.add(request, timeoutMs, wallMs);
  }

  has(opaque: number): boolean {
    return this.requests.has(opaque);
  }

  /**
   * Hands a response to its request. A late one, whose request has timed out, is dropped.
   *
   * @param borrowed the bytes of the response are there only until the call ends
   */
  complete(response: RemotingCommand, borrowed: boolean): void {
    const request = this.requests.get(response.opaque);
    if (request === undefined) {
      this.options.log.debug(
        `dropped a late or unknown response of ${this.options.address}, opaque ${response.opaque}`,
      );
      return;
    }
    this.requests.delete(request.opaque);
    this.options.limit.pending--;
    this.options.wheel.remove(request);
    if (borrowed && !request.readsAnswerAtOnce) response.detach();
    this.call(request, undefined, response);
  }

  /** Fails all requests. Their callbacks run in a later microtask, one after the other. */
  failAll(error: Error): void {
    const failed = this.requests;
    if (failed.size === 0) return;
    this.requests = new Map();
    this.options.limit.pending -= failed.size;
    for (const request of failed.values()) this.options.wheel.remove(request);
    process.nextTick(() => {
      for (const request of failed.values()) this.call(request, error, undefined);
    });
  }

  /** @internal */
  timedOut(request: PendingRequest): void {
    this.requests.delete(request.opaque);
    this.options.limit.pending--;
    // Read before the call: the request may be sent again in it, with another time-out.
    const timeoutMs = request.answerTimeoutMs;
    this.call(request, new RemotingTimeoutError(this.options.address, timeoutMs), undefined);
    this.options.onRequestTimeout(performance.now() - timeoutMs);
  }

  private call(request: PendingRequest, error: Error | undefined, response: RemotingCommand | undefined): void {
    try {
      request.onAnswer(error, response);
    } catch (thrown) {
      this.options.log.error('callback', `a response callback threw: ${describe(thrown)}`);
    }
  }
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
