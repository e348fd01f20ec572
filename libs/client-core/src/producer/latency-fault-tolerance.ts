import { MAX_FAULT_BROKERS } from '../defaults.js';

/** What is known of a broker that was slow or failed. */
export interface FaultItem {
  readonly brokerName: string;
  /** A topic that was sent to it: a probe asks for it. */
  topic: string;
  /** ms that the last send took, or that the failure counts as. */
  latencyMs: number;
  /** `Date.now()` from which it is chosen again. */
  availableFromMs: number;
  /** `Date.now()` from which a probe looks at it again. */
  probeFromMs: number;
  /** False from a failure until a send or a probe is answered. */
  reachable: boolean;
}

/**
 * The brokers that sends should pass over for a while (RocketMQ: `client/latency/LatencyFaultToleranceImpl.java`). A broker that was never slow has
 * no entry, so that the table stays as small as the trouble.
 */
export class LatencyFaultTolerance {
  private readonly items = new Map<string, FaultItem>();

  get size(): number {
    return this.items.size;
  }

  /** @param notAvailableMs how long it is passed over from now on; 0 for a broker that is well. */
  update(
    brokerName: string,
    topic: string,
    latencyMs: number,
    notAvailableMs: number,
    reachable: boolean,
    nowMs: number,
  ): void {
    let item = this.items.get(brokerName);
    if (item === undefined) {
      if (notAvailableMs === 0 && reachable) return;
      // Names come from routes; a table that is full of brokers which are no more begins anew.
      if (this.items.size >= MAX_FAULT_BROKERS) this.items.clear();
      item = { brokerName, topic, latencyMs, availableFromMs: nowMs, probeFromMs: nowMs, reachable };
      this.items.set(brokerName, item);
    }
    item.topic = topic;
    item.latencyMs = latencyMs;
    item.reachable = reachable;
    // An answer that was quick does not take back what an earlier one of another send has said.
    if (notAvailableMs > 0) item.availableFromMs = nowMs + notAvailableMs;
  }

  isAvailable(brokerName: string, nowMs: number): boolean {
    const item = this.items.get(brokerName);
    return item === undefined || nowMs >= item.availableFromMs;
  }

  isReachable(brokerName: string): boolean {
    return this.items.get(brokerName)?.reachable ?? true;
  }

  /** The entries whose next probe is due. The next one of each is due `intervalMs` later. */
  dueProbes(nowMs: number, intervalMs: number): FaultItem[] {
    const due: FaultItem[] = [];
    for (const item of this.items.values()) {
      if (nowMs < item.probeFromMs) continue;
      item.probeFromMs = nowMs + intervalMs;
      due.push(item);
    }
    return due;
  }

  /** A broker that is in no route any more. */
  forget(brokerName: string): void {
    this.items.delete(brokerName);
  }
}
