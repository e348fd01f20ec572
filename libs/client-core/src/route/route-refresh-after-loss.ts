import {
  EARLY_LOOK_GAP_MS,
  FULL_LOOK_AFTER_MS,
  ROUTE_REFRESH_AFTER_LOSS_MS,
  ROUTE_REFRESH_JITTER,
} from '../defaults.js';
import type { BrokerAddressTable } from '../instance/broker-address-table.js';

export interface RouteRefreshAfterLossOptions {
  readonly brokers: Pick<BrokerAddressTable, 'all' | 'master'>;
  /** A topic whose route has this broker. */
  topicOf(brokerName: string): string | undefined;
  /** Looks at the route of one topic. Never rejects. */
  probe(topic: string): Promise<void>;
  /** Looks at all routes. Never rejects. */
  refresh(): Promise<void>;
  /** 0 <= x < 1 */
  readonly random?: () => number;
}

interface LostBroker {
  readonly brokerName: string;
  /** Of its routes, as long as they had it. */
  readonly topic: string | undefined;
}

/**
 * Looks at the routes soon after a broker has gone, and more often for some seconds until it is back or its group has another master: a broker that stops has taken its
 * leave of the namesrvs before it closes connections, and one that died is noticed by them as soon as by us.
 */
export class RouteRefreshAfterLoss {
  /** Addresses that are gone. */
  private readonly lost = new Map<string, LostBroker>();
  private timer: NodeJS.Timeout | undefined = undefined;
  private looks = 0;
  /** When the timer is due, and when the last look began, by `Date.now()`. */
  private dueMs = 0;
  private lookedMs = 0;
  /** The next look comes before its time, for somebody who has asked the broker in vain. */
  private isEarly = false;
  private stopped = false;

  constructor(private readonly options: RouteRefreshAfterLossOptions) {}

  /** The connection to an address closed. */
  connectionClosed(address: string): void {
    if (this.stopped) return;
    for (const [brokerName, , known] of this.options.brokers.all())
      if (known === address) this.lost.set(address, { brokerName, topic: this.topicOf(address, brokerName) });
    if (!this.lost.has(address)) return;
    this.looks = 0;
    this.schedule();
  }

  /**
   * It did not answer in time, cannot be connected to, or does not take what masters take: it may hang, and its group have another master, or another address. Looks as
   * after a loss; where that is under way, at one topic before its time, as the broker may have come back since the last look.
   */
  doubted(address: string): void {
    const underWay = this.lost.has(address) && this.looks < ROUTE_REFRESH_AFTER_LOSS_MS.length;
    if (underWay) this.lookEarly();
    else this.connectionClosed(address);
  }

  connectionOpened(address: string): void {
    this.lost.delete(address);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const delayMs = ROUTE_REFRESH_AFTER_LOSS_MS[this.looks++];
    if (this.stopped || this.lost.size === 0 || delayMs === undefined) return;
    this.isEarly = false;
    this.startTimer(delayMs);
  }

  private lookEarly(): void {
    const nowMs = Date.now();
    const [soonMs] = ROUTE_REFRESH_AFTER_LOSS_MS;
    const delayMs = Math.max(soonMs, this.lookedMs + EARLY_LOOK_GAP_MS - nowMs);
    if (this.dueMs - nowMs <= delayMs) return;
    clearTimeout(this.timer);
    this.isEarly = true;
    this.startTimer(delayMs);
  }

  private startTimer(delayMs: number): void {
    const jitter = ROUTE_REFRESH_JITTER * ((this.options.random ?? Math.random)() - 0.5);
    const jitteredMs = delayMs * (1 + jitter);
    this.dueMs = Date.now() + jitteredMs;
    this.timer = setTimeout(() => void this.look(), jitteredMs);
  }

  private async look(): Promise<void> {
    const { probe, refresh } = this.options;
    this.lookedMs = Date.now();
    const isFull =
      !this.isEarly && (this.looks === 1 || ROUTE_REFRESH_AFTER_LOSS_MS[this.looks - 1] >= FULL_LOOK_AFTER_MS);
    if (isFull) await refresh();
    else {
      const topics = new Set([...this.lost.values()].flatMap(({ topic }) => topic ?? []));
      await Promise.all([...topics].map((topic) => probe(topic)));
    }
    const found = this.forgetReplaced();
    if (found && !isFull) await refresh();
    // The look that it came before is still to come.
    if (this.isEarly) this.looks--;
    this.schedule();
  }

  private topicOf(address: string, brokerName: string): string | undefined {
    return this.options.topicOf(brokerName) ?? this.lost.get(address)?.topic;
  }

  /** @returns whether the group of a broker that is gone has another master. */
  private forgetReplaced(): boolean {
    let found = false;
    for (const [address, { brokerName }] of this.lost) {
      const master = this.options.brokers.master(brokerName);
      if (master === undefined || master === address) continue;
      this.lost.delete(address);
      found = true;
    }
    return found;
  }
}
