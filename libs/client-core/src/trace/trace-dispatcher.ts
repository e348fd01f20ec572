import type { TraceContext } from '@rocknest/protocol';
import { TRACE_MAX_IN_FLIGHT, TRACE_QUEUE_MAX, TRACE_SEND_TIMEOUT_MS } from '../defaults.js';
import { errorText } from '../errors.js';
import { LogLimiter, type ClientLogger } from '../logger.js';
import { settledWithin } from '../support/concurrency.js';
import { Fifo } from '../support/fifo.js';
import { traceMessages, type TraceMessage } from './trace-messages.js';

export interface TraceDispatcherOptions {
  /** Whose messages are traced; for the log. */
  group: string;
  batchNum: number;
  flushIntervalMs: number;
  send(message: TraceMessage): Promise<unknown>;
  logger: ClientLogger;
}

/** Where entries of a trace go. */
export type TraceSink = Pick<TraceDispatcher, 'append'>;

/**
 * Sends entries of a trace behind the work that they speak of (RocketMQ: `client/trace/AsyncTraceDispatcher.java`): `traceMsgBatchNum` at a time, or what is there
 * after `traceFlushIntervalMs`. It never waits and never throws: entries beyond `TRACE_QUEUE_MAX`, and those whose message fails, are dropped,
 * counted, and told of once a minute.
 */
export class TraceDispatcher {
  /** Entries that were lost. */
  dropped = 0;
  private readonly queue = new Fifo<TraceContext>();
  private readonly inFlight = new Set<Promise<unknown>>();
  private readonly troubles = new LogLimiter();
  private timer: NodeJS.Timeout | undefined = undefined;
  private turn: NodeJS.Immediate | undefined = undefined;
  private stopped = false;

  constructor(private readonly options: TraceDispatcherOptions) {}

  append(context: TraceContext): void {
    if (this.stopped || this.queue.length >= TRACE_QUEUE_MAX) {
      this.drop(1, this.stopped ? 'the client is shut down' : `${TRACE_QUEUE_MAX} entries wait already`);
      return;
    }
    this.queue.push(context);
    if (this.queue.length >= this.options.batchNum) {
      // After the callbacks of this turn: the program's own sends go first.
      this.turn ??= setImmediate(() => {
        this.turn = undefined;
        this.flush(false);
      });
    } else {
      this.schedule();
    }
  }

  /** Sends what waits, at most for `TRACE_SEND_TIMEOUT_MS`; later entries are dropped. Never rejects. */
  async shutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    clearImmediate(this.turn);
    const drained = async (): Promise<void> => {
      while (this.queue.length > 0 || this.inFlight.size > 0) {
        this.flush(true);
        await Promise.race(this.inFlight);
      }
    };
    if (await settledWithin(drained(), TRACE_SEND_TIMEOUT_MS)) return;
    const left = this.queue.length;
    while (this.queue.shift() !== undefined);
    if (left > 0) this.drop(left, `they did not go out within ${TRACE_SEND_TIMEOUT_MS} ms of the shutdown`);
  }

  private schedule(): void {
    if (this.timer !== undefined || this.stopped) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.flush(true);
    }, this.options.flushIntervalMs);
    // What waits is sent by shutdown(); it keeps no process alive.
    this.timer.unref();
  }

  /** @param all fewer entries than a batch too. */
  private flush(all: boolean): void {
    const { batchNum } = this.options;
    while (this.inFlight.size < TRACE_MAX_IN_FLIGHT && this.queue.length >= (all ? 1 : batchNum)) {
      const batch: TraceContext[] = [];
      for (let next = this.queue.shift(); next; next = batch.length < batchNum ? this.queue.shift() : undefined) {
        batch.push(next);
      }
      for (const message of traceMessages(batch)) this.send(message);
    }
    if (this.queue.length > 0) this.schedule();
  }

  private send(message: TraceMessage): void {
    const sending: Promise<void> = this.options
      .send(message)
      .catch((error: unknown) => this.drop(message.entries, errorText(error)))
      .then(() => {
        this.inFlight.delete(sending);
        if (!this.stopped) this.flush(false);
      });
    this.inFlight.add(sending);
  }

  private drop(entries: number, why: string): void {
    this.dropped += entries;
    if (!this.troubles.allows('drop')) return;
    this.options.logger.warn(
      `message trace of group ${this.options.group}: ${this.dropped} entries are lost so far: ${why}`,
    );
  }
}
