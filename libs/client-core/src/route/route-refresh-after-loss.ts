import { FULL_LOOK_AFTER_MS, ROUTE_REFRESH_AFTER_LOSS_MS, ROUTE_REFRESH_JITTER } from '../defaults.js';
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
  private timer: NodeJS.Timeout | undefined;
  private looks = 0;
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
   * It did not answer in time, or does not take what masters take: it may hang, and its group have another master. Looks as after a loss, unless
   * that is under way.
   */
  doubted(address: string): void {
    const underWay = this.lost.size > 0 && this.looks < ROUTE_REFRESH_AFTER_LOSS_MS.length;
    if (!underWay) this.connectionClosed(address);
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
    const jitter = ROUTE_REFRESH_JITTER * ((this.options.random ?? Math.random)() - 0.5);
    this.timer = setTimeout(() => void this.look(), delayMs * (1 + jitter));
  }

  private async look(): Promise<void> {
    const { probe, refresh } = this.options;
    const isFull = this.looks === 1 || ROUTE_REFRESH_AFTER_LOSS_MS[this.looks - 1] >= FULL_LOOK_AFTER_MS;
    if (isFull) await refresh();
    else {
      const topics = new Set([...this.lost.values()].flatMap(({ topic }) => topic ?? []));
      await Promise.all([...topics].map((topic) => probe(topic)));
    }
    const found = this.forgetReplaced();
    if (found && !isFull) await refresh();
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
