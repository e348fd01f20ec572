import { MQClientError, MQClientErrorCode } from '../errors.js';
import { Fifo } from '../support/fifo.js';

/** What waits for its turn to be sent. */
export interface GatedSend {
  readonly sizeBytes: number;
  readonly deadlineMs: number;
  /** Called once, when its turn has come. @param nowMs `Date.now()` */
  begin(nowMs: number): void;
  /** Called once instead, when its time was over before. */
  expire(): void;
}

export interface SendGateLimits {
  /** Sends between `begin()` and `leave()` at once. */
  maxInFlight: number;
  /** Those and the ones that wait. */
  maxPending: number;
  /** Body bytes of all of them. */
  maxPendingBytes: number;
}

/** ms between two looks for sends whose time ended while they waited. */
const EXPIRY_SCAN_MS = 100;

/**
 * Back pressure of a producer. Up to `maxInFlight` sends are on the wire; further ones wait in the order of their calls, and their
 * waiting counts towards their time-out. Beyond `maxPending` sends or `maxPendingBytes`, a send fails at once with
 * TOO_MANY_PENDING_SENDS, so that a producer's memory has a bound whatever its caller does
 * (RocketMQ: `enableBackpressureForAsyncMode` of `DefaultMQProducerImpl.java`).
 */
export class SendGate {
  private inFlightCount = 0;
  /** Sends that are made ready (compression, the route for a selector) before they enter. */
  private preparingCount = 0;
  private pendingBytes = 0;
  private readonly waiting = new Fifo<GatedSend>();
  private beginning = false;
  private scan: NodeJS.Timeout | undefined = undefined;
  private onIdle: (() => void)[] = [];

  constructor(private readonly limits: SendGateLimits) {}

  get inFlight(): number {
    return this.inFlightCount;
  }

  /** Sends that wait for their turn, or are made ready. */
  get waitingCount(): number {
    return this.waiting.length + this.preparingCount;
  }

  /**
   * Counts a send that takes time before it can enter; to be followed by `prepared` with the same size.
   * @throws MQClientError TOO_MANY_PENDING_SENDS.
   */
  prepare(sizeBytes: number): void {
    this.checkRoom(sizeBytes);
    this.preparingCount++;
    this.pendingBytes += sizeBytes;
  }

  prepared(sizeBytes: number): void {
    this.preparingCount--;
    this.pendingBytes -= sizeBytes;
    this.tellIdle();
  }

  /**
   * @param nowMs `Date.now()`
   * @throws MQClientError TOO_MANY_PENDING_SENDS.
   */
  enter(send: GatedSend, nowMs: number): void {
    this.checkRoom(send.sizeBytes);
    this.pendingBytes += send.sizeBytes;
    if (this.inFlightCount < this.limits.maxInFlight && this.waiting.length === 0) {
      this.inFlightCount++;
      send.begin(nowMs);
      return;
    }
    this.waiting.push(send);
    this.scan ??= setInterval(() => this.expireLate(), EXPIRY_SCAN_MS);
  }

  /** @throws MQClientError TOO_MANY_PENDING_SENDS. */
  private checkRoom(sizeBytes: number): void {
    const { maxPending, maxPendingBytes } = this.limits;
    const pending = this.inFlightCount + this.waitingCount;
    if (pending >= maxPending || (pending > 0 && this.pendingBytes + sizeBytes > maxPendingBytes)) {
      throw new MQClientError(
        MQClientErrorCode.TOO_MANY_PENDING_SENDS,
        `${pending} sends with ${this.pendingBytes} bytes are under way (limits: maxPendingSends ${maxPending}, ` +
          `maxPendingSendBytes ${maxPendingBytes}); wait for some of them before sending more`,
        { retriable: true, details: { pending, pendingBytes: this.pendingBytes, maxPending, maxPendingBytes } },
      );
    }
  }

  /** A send that had begun has ended. */
  leave(send: GatedSend): void {
    this.inFlightCount--;
    this.pendingBytes -= send.sizeBytes;
    if (this.waiting.length > 0) this.beginWaiting();
    this.tellIdle();
  }

  /** Resolves when no send is under way. */
  idle(): Promise<void> {
    if (this.inFlightCount === 0 && this.waitingCount === 0) return Promise.resolve();
    return new Promise((resolve) => this.onIdle.push(resolve));
  }

  private tellIdle(): void {
    if (this.onIdle.length === 0 || this.inFlightCount > 0 || this.waitingCount > 0) return;
    const listeners = this.onIdle;
    this.onIdle = [];
    for (const listener of listeners) listener();
  }

  /** A send that fails while it begins leaves at once: the loop that is under way goes on then, instead of a deeper one. */
  private beginWaiting(): void {
    if (this.beginning) return;
    this.beginning = true;
    const nowMs = Date.now();
    while (this.inFlightCount < this.limits.maxInFlight) {
      const send = this.waiting.shift();
      if (!send) break;
      this.inFlightCount++;
      send.begin(nowMs);
    }
    this.beginning = false;
    this.stopScanWhenEmpty();
  }

  private expireLate(): void {
    const nowMs = Date.now();
    for (const send of this.waiting.removeWhere((item) => item.deadlineMs <= nowMs)) {
      this.pendingBytes -= send.sizeBytes;
      send.expire();
    }
    this.stopScanWhenEmpty();
  }

  private stopScanWhenEmpty(): void {
    if (this.waiting.length > 0) return;
    clearInterval(this.scan);
    this.scan = undefined;
  }
}
