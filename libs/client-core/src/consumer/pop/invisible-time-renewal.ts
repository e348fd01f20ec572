import { POP_RENEW_SCAN_INTERVAL_MS } from '../../defaults.js';
import type { PopLease } from './pop-lease.js';

export interface InvisibleTimeRenewalOptions {
  invisibleTimeMs: number;
  /** ms after the pop from which a message is renewed no more; 0 renews none. */
  renewForMs: number;
  /** True while this message, which waits for a handler, is worth keeping. */
  keepsWaiting(lease: PopLease): boolean;
  /** Makes the message invisible for `invisibleTimeMs` from now on. Never rejects. */
  renew(lease: PopLease): void;
}

/**
 * Keeps a message invisible to others for as long as its handler runs, and while it waits for one: when half of the time is over,
 * the full time is asked for anew. (RocketMQ's remoting client does not; there a handler that takes longer than the invisible time has
 * a second one beside it. The proxy of RocketMQ 5 renews for its clients.)
 */
export class InvisibleTimeRenewal {
  private readonly leases = new Set<PopLease>();
  private timer: NodeJS.Timeout | undefined = undefined;

  constructor(private readonly options: InvisibleTimeRenewalOptions) {}

  /** Watches a message until it is settled. */
  watch(leases: readonly PopLease[]): void {
    if (this.options.renewForMs === 0) return;
    for (const lease of leases) this.leases.add(lease);
    if (this.timer === undefined && this.leases.size > 0) this.schedule();
  }

  /** The message is settled: nothing holds it until the next scan. */
  forget(lease: PopLease): void {
    this.leases.delete(lease);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.leases.clear();
  }

  private schedule(): void {
    const intervalMs = Math.min(POP_RENEW_SCAN_INTERVAL_MS, this.options.invisibleTimeMs / 8);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.scan(Date.now());
      if (this.leases.size > 0 && this.timer === undefined) this.schedule();
    }, intervalMs);
  }

  private scan(nowMs: number): void {
    const { invisibleTimeMs, renewForMs } = this.options;
    for (const lease of this.leases) {
      if (lease.state === 'SETTLED' || lease.hasExpired(nowMs) || nowMs - lease.poppedAtMs >= renewForMs) {
        this.leases.delete(lease);
      } else if (lease.expiresAtMs - nowMs <= invisibleTimeMs / 2 && !lease.isChanging) {
        if (lease.state === 'RUNNING' || this.options.keepsWaiting(lease)) this.options.renew(lease);
      }
    }
  }
}
