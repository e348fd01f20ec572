import { ResponseCode } from '@rocknest/protocol';
import {
  POP_ACK_ATTEMPTS,
  POP_ACK_BATCH_MAX,
  POP_ACK_GATHER_MS,
  POP_ACK_MAX_IN_FLIGHT,
  POP_ACK_RETRY_DELAY_MS,
} from '../../defaults.js';
import { errorText, responseCodeOf } from '../../errors.js';
import { LogLimiter, type ClientLogger } from '../../logger.js';
import { settledWithin } from '../../support/concurrency.js';
import { Fifo } from '../../support/fifo.js';
import type { PopLease, PopReceipt } from './pop-lease.js';

export interface PopAckerOptions {
  group: string;
  /** ACK_MESSAGE. */
  ack(receipt: PopReceipt): Promise<void>;
  /** BATCH_ACK_MESSAGE; all receipts are of one broker. */
  ackBatch(brokerName: string, receipts: readonly PopReceipt[]): Promise<void>;
  /** False as long as it is not known that the broker takes BATCH_ACK_MESSAGE. */
  knowsBatches(brokerName: string): boolean;
  logger: ClientLogger;
  retryDelayMs?: number;
}

interface Ack {
  readonly lease: PopLease;
  attempts: number;
}

/** The acknowledgements that one broker is to get. */
interface Lane {
  readonly waiting: Fifo<Ack>;
  inFlight: number;
  /** When the last batch was sent, ms of `performance.now()`. */
  sentMs: number;
  /** A batch gathers until its time has come. */
  gathers: boolean;
  /** The broker has refused BATCH_ACK_MESSAGE. */
  single: boolean;
}

/** Answers after which the same acknowledgement would be refused again. */
const FINAL: ReadonlySet<number | undefined> = new Set([
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.MESSAGE_ILLEGAL,
  ResponseCode.NO_MESSAGE,
  ResponseCode.NO_PERMISSION,
  ResponseCode.INVALID_PARAMETER,
]);

/**
 * Acknowledges popped messages. What is handled while a request is under way, or shortly after the last one, goes out together with the next, so a slow
 * consumer acknowledges at once and a fast one in batches (RocketMQ's remoting client sends one request for each message, and does not repeat
 * one that failed).
 */
export class PopAcker {
  private readonly lanes = new Map<string, Lane>();
  private readonly troubles = new LogLimiter();
  private readonly timers = new Map<NodeJS.Timeout, () => void>();
  private pending = 0;
  private hurried = false;
  private onIdle: (() => void)[] = [];

  constructor(private readonly options: PopAckerOptions) {}

  /** Acknowledgements that are not answered yet. */
  get pendingCount(): number {
    return this.pending;
  }

  acknowledge(lease: PopLease): void {
    this.pending++;
    if (lease.isChanging) void lease.settledReceipt().then(() => this.enqueue({ lease, attempts: 0 }));
    else this.enqueue({ lease, attempts: 0 });
  }

  /** Sends what waits for a repetition at once, and waits for the answers. @returns false when some are missing after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<boolean> {
    this.hurried = true;
    for (const [timer, run] of this.timers) {
      clearTimeout(timer);
      run();
    }
    if (this.pending === 0) return true;
    return settledWithin(new Promise<void>((resolve) => this.onIdle.push(resolve)), timeoutMs);
  }

  private enqueue(ack: Ack): void {
    const { brokerName } = ack.lease.receipt.info;
    let lane = this.lanes.get(brokerName);
    if (!lane)
      this.lanes.set(
        brokerName,
        (lane = { waiting: new Fifo(), inFlight: 0, sentMs: -Infinity, gathers: false, single: false }),
      );
    lane.waiting.push(ack);
    // What the same turn of the loop acknowledges after this joins it.
    if (lane.waiting.length === 1) setImmediate(() => this.pump(brokerName, lane));
  }

  private pump(brokerName: string, lane: Lane): void {
    for (;;) {
      const batches = !lane.single && this.options.knowsBatches(brokerName);
      if (lane.waiting.length === 0 || lane.inFlight >= (batches ? 1 : POP_ACK_MAX_IN_FLIGHT)) return;
      if (batches && this.gathers(brokerName, lane)) return;
      const acks: Ack[] = [];
      for (let ack = lane.waiting.shift(); ack; ack = lane.waiting.shift()) {
        acks.push(ack);
        if (!batches || acks.length === POP_ACK_BATCH_MAX) break;
      }
      void this.send(brokerName, lane, acks);
    }
  }

  /** True while a batch is to gather more: batches follow each other no faster than `POP_ACK_GATHER_MS`, unless they are full. */
  private gathers(brokerName: string, lane: Lane): boolean {
    if (lane.gathers) return lane.waiting.length < POP_ACK_BATCH_MAX;
    const nowMs = performance.now();
    const waitMs = lane.sentMs + POP_ACK_GATHER_MS - nowMs;
    if (waitMs <= 0 || this.hurried || lane.waiting.length >= POP_ACK_BATCH_MAX) {
      lane.sentMs = nowMs;
      return false;
    }
    lane.gathers = true;
    const run = (): void => {
      this.timers.delete(timer);
      lane.gathers = false;
      lane.sentMs = -Infinity;
      this.pump(brokerName, lane);
    };
    const timer = setTimeout(run, waitMs);
    this.timers.set(timer, run);
    return true;
  }

  private async send(brokerName: string, lane: Lane, acks: Ack[]): Promise<void> {
    lane.inFlight++;
    try {
      const receipts = acks.map(({ lease }) => lease.receipt);
      if (receipts.length === 1) await this.options.ack(receipts[0]);
      else await this.options.ackBatch(brokerName, receipts);
      this.ended(acks.length);
    } catch (error) {
      if (acks.length > 1 && responseCodeOf(error) === ResponseCode.REQUEST_CODE_NOT_SUPPORTED) {
        lane.single = true;
        for (const ack of acks) lane.waiting.push(ack);
      } else {
        this.failed(acks, error);
      }
    } finally {
      lane.inFlight--;
      this.pump(brokerName, lane);
    }
  }

  private failed(acks: Ack[], error: unknown): void {
    const again = FINAL.has(responseCodeOf(error)) ? [] : acks.filter((ack) => this.isWorthwhile(ack));
    const lost = acks.length - again.length;
    if (lost > 0) {
      if (this.troubles.allows('ack')) {
        const { lease } = acks[0];
        this.options.logger.warn(
          `group ${this.options.group}: ${lost} handled messages could not be acknowledged, the first is ${lease.message.msgId}; ` +
            `they come again: ${errorText(error)}`,
        );
      }
      this.ended(lost);
    }
    if (again.length === 0) return;
    const run = (): void => {
      this.timers.delete(timer);
      for (const ack of again) this.enqueue(ack);
    };
    const delayMs = this.hurried ? 0 : (this.options.retryDelayMs ?? POP_ACK_RETRY_DELAY_MS);
    const timer = setTimeout(run, delayMs);
    this.timers.set(timer, run);
  }

  /** As long as the message is this member's a repetition saves a second delivery: a broker that restarts gets it then. */
  private isWorthwhile(ack: Ack): boolean {
    if (++ack.attempts < POP_ACK_ATTEMPTS) return true;
    return !this.hurried && !ack.lease.hasExpired(Date.now());
  }

  private ended(count: number): void {
    this.pending -= count;
    if (this.pending > 0 || this.onIdle.length === 0) return;
    const listeners = this.onIdle;
    this.onIdle = [];
    for (const listener of listeners) listener();
  }
}
