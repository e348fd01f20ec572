import { BROKER_PING_TIMEOUT_SHARE, BROKER_PULSE_LOOKS, PASS_OVER_MS } from '../defaults.js';
import type { MessageQueue } from '@rocknest/protocol';
import type { BrokerAddressTable, FoundBroker } from './broker-address-table.js';

/** A pull that waits for its answer. */
export interface WaitingPull {
  readonly queue: MessageQueue;
  /** The broker does not answer and another one can be asked: ask that one. */
  move(): void;
}

export interface BrokerPulseOptions {
  readonly brokers: Pick<BrokerAddressTable, 'find' | 'membersOf'>;
  /** ms of silence after which a broker is asked for a sign of life; 0: never. */
  readonly intervalMs: number;
  /** Asks for a sign of life; any answer is one. Rejects when none comes in time. */
  ping(address: string, queue: MessageQueue, timeoutMs: number): Promise<void>;
  /** Called when a broker begins to be doubted. */
  onDoubt(address: string): void;
}

/** What is known of one broker that is pulled from. */
interface Heart {
  readonly address: string;
  readonly waiting: Set<WaitingPull>;
  /** A queue that was pulled from it. */
  queue: MessageQueue;
  /** By the monotonic clock. */
  heardMs: number;
  pinging: boolean;
  doubted: boolean;
  passedOverUntilMs: number;
}

/**
 * Notices within a second that a broker hangs while pulls wait at it, which long polling alone would notice after 30 s: a broker at which pulls wait, that has
 * said nothing for a while, is asked for a sign of life, and when that does not come, pulls go to another broker of its group. A broker that answers again is
 * trusted again. Reading from a slave does no harm, so that a false alarm (a pause of its garbage collector, a busy machine) costs nothing.
 *
 * Groups without a second broker are left alone, and so are brokers that are busy answering. RocketMQ's clients have nothing like it.
 */
export class BrokerPulse {
  private readonly hearts = new Map<string, Heart>();
  private timer: NodeJS.Timeout | undefined = undefined;
  private lastLookMs = 0;
  private stopped = false;

  constructor(private readonly options: BrokerPulseOptions) {}

  /** Where to read from: the broker of that id, unless it is doubted and another one is not. */
  readFrom(brokerName: string, brokerId: number): FoundBroker | undefined {
    const { brokers } = this.options;
    const wanted = brokers.find(brokerName, brokerId);
    if (wanted === undefined || this.hearts.size === 0 || this.isFit(wanted.address)) return wanted;
    for (const member of brokers.membersOf(brokerName)) if (this.isFit(member.address)) return member;
    return wanted;
  }

  /** False for a broker that does not answer, or just did not serve a pull. */
  isFit(address: string): boolean {
    const heart = this.hearts.get(address);
    return heart === undefined || (!heart.doubted && heart.passedOverUntilMs <= performance.now());
  }

  /** A pull was sent. */
  began(address: string, pull: WaitingPull): void {
    let heart = this.hearts.get(address);
    if (heart === undefined) {
      heart = {
        address,
        waiting: new Set(),
        queue: pull.queue,
        heardMs: performance.now(),
        pinging: false,
        doubted: false,
        passedOverUntilMs: 0,
      };
      this.hearts.set(address, heart);
      this.start();
    }
    // Nobody waited for it meanwhile: silence counts from now on.
    if (heart.waiting.size === 0 && !heart.doubted) heart.heardMs = performance.now();
    heart.queue = pull.queue;
    heart.waiting.add(pull);
  }

  /** Its answer came, or it failed. */
  ended(address: string, pull: WaitingPull, answered: boolean): void {
    const heart = this.hearts.get(address);
    if (heart === undefined) return;
    heart.waiting.delete(pull);
    if (answered) heard(heart);
  }

  /** The connection broke, or an answer did not come in time. */
  lost(address: string): void {
    const heart = this.hearts.get(address);
    if (heart !== undefined && this.options.intervalMs > 0) this.doubt(heart);
  }

  /** A stand-in answers, and does not serve reads: others are asked for a while. */
  passOver(address: string): void {
    const heart = this.hearts.get(address);
    if (heart !== undefined) heart.passedOverUntilMs = performance.now() + PASS_OVER_MS;
  }

  stop(): void {
    this.stopped = true;
    clearInterval(this.timer);
    this.timer = undefined;
    this.hearts.clear();
  }

  private start(): void {
    const { intervalMs } = this.options;
    if (this.timer !== undefined || this.stopped || intervalMs === 0) return;
    this.lastLookMs = performance.now();
    this.timer = setInterval(() => this.look(), Math.max(1, intervalMs / BROKER_PULSE_LOOKS));
    this.timer.unref();
  }

  private look(): void {
    const nowMs = performance.now();
    const late = nowMs - this.lastLookMs > this.options.intervalMs;
    this.lastLookMs = nowMs;
    for (const heart of this.hearts.values()) {
      if (!this.isMember(heart)) {
        if (heart.waiting.size === 0) this.hearts.delete(heart.address);
        continue;
      }
      // This process stood still: what brokers have sent meanwhile is not read yet.
      if (late) heart.heardMs = nowMs;
      if (heart.doubted) this.moveAway(heart);
      const owes = heart.waiting.size > 0 && nowMs - heart.heardMs >= this.options.intervalMs;
      if ((owes || heart.doubted) && !heart.pinging && this.hasOthers(heart)) void this.ping(heart);
    }
    if (this.hearts.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async ping(heart: Heart): Promise<void> {
    const { intervalMs, ping } = this.options;
    const startMs = performance.now();
    const timeoutMs = Math.max(1, Math.round(intervalMs * BROKER_PING_TIMEOUT_SHARE));
    heart.pinging = true;
    try {
      await ping(heart.address, heart.queue, timeoutMs);
      heard(heart);
    } catch {
      // Later than that, this process stood still; the next ping tells more. What was heard since is an answer, too.
      const inTime = performance.now() - startMs < timeoutMs + intervalMs;
      if (inTime && heart.heardMs < startMs && this.hearts.get(heart.address) === heart) this.doubt(heart);
    } finally {
      heart.pinging = false;
    }
  }

  private doubt(heart: Heart): void {
    if (!heart.doubted) {
      heart.doubted = true;
      this.options.onDoubt(heart.address);
    }
    this.moveAway(heart);
  }

  private moveAway(heart: Heart): void {
    for (const pull of [...heart.waiting]) {
      const { brokerName } = pull.queue;
      if (!this.options.brokers.membersOf(brokerName).some(({ address }) => this.isFit(address))) continue;
      heart.waiting.delete(pull);
      pull.move();
    }
  }

  private isMember(heart: Heart): boolean {
    return this.options.brokers.membersOf(heart.queue.brokerName).some(({ address }) => address === heart.address);
  }

  private hasOthers(heart: Heart): boolean {
    return this.options.brokers.membersOf(heart.queue.brokerName).some(({ address }) => address !== heart.address);
  }
}

function heard(heart: Heart): void {
  heart.heardMs = performance.now();
  heart.doubted = false;
}
