import { ROUTE_REFRESH_AFTER_LOSS_MS, ROUTE_REFRESH_JITTER } from '../defaults.js';
import type { BrokerAddressTable } from '../instance/broker-address-table.js';

export interface RouteRefreshAfterLossOptions {
  readonly brokers: Pick<BrokerAddressTable, 'all' | 'master'>;
  /** Looks at all routes. Never rejects. */
  refresh(): Promise<void>;
  /** 0 <= x < 1 */
  readonly random?: () => number;
}

/**
 * Looks at the routes soon after a broker has gone, and a few times more until it is back or its group has another master: a broker that stops has taken its
 * leave of the namesrvs before it closes connections, and one that died is noticed by them as soon as by us.
 */
export class RouteRefreshAfterLoss {
  /** Addresses that are gone, with their broker name. */
  private readonly lost = new Map<string, string>();
  private timer: NodeJS.Timeout | undefined;
  private looks = 0;
  private stopped = false;

  constructor(private readonly options: RouteRefreshAfterLossOptions) {}

  /** The connection to an address closed. */
  connectionClosed(address: string): void {
    if (this.stopped) return;
    for (const [brokerName, , known] of this.options.brokers.all())
      if (known === address) this.lost.set(address, brokerName);
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
    await this.options.refresh();
    for (const [address, brokerName] of this.lost) {
      const master = this.options.brokers.master(brokerName);
      if (master !== undefined && master !== address) this.lost.delete(address);
    }
    this.schedule();
  }
}
