import { FLOW_CONTROL_DELAY_MS, MAX_FAULT_BROKERS, MAX_FLOW_CONTROL_DELAY_MS } from '../defaults.js';

interface Pause {
  delayMs: number;
  untilMs: number;
}

/**
 * The brokers that asked for a pause (SYSTEM_BUSY, FLOW_CONTROL). Each pause after another is twice as long, up to a limit, until the broker takes
 * a message again; what came from requests that were on their way when a pause began does not make it longer.
 */
export class FlowPauses {
  private readonly pauses = new Map<string, Pause>();

  /** True while no broker has asked for a pause that was not followed by a stored message. */
  get none(): boolean {
    return this.pauses.size === 0;
  }

  refused(brokerName: string, nowMs: number): void {
    const known = this.pauses.get(brokerName);
    if (known === undefined) {
      if (this.pauses.size >= MAX_FAULT_BROKERS) this.pauses.clear();
      this.pauses.set(brokerName, { delayMs: FLOW_CONTROL_DELAY_MS, untilMs: nowMs + FLOW_CONTROL_DELAY_MS });
    } else if (nowMs >= known.untilMs) {
      known.delayMs = Math.min(known.delayMs * 2, MAX_FLOW_CONTROL_DELAY_MS);
      known.untilMs = nowMs + known.delayMs;
    }
  }

  stored(brokerName: string): void {
    this.pauses.delete(brokerName);
  }

  isPaused(brokerName: string, nowMs: number): boolean {
    const pause = this.pauses.get(brokerName);
    return pause !== undefined && nowMs < pause.untilMs;
  }

  /** ms until the first of these brokers may be tried again; 0 when one of them has no pause. */
  waitMs(brokerNames: Iterable<string>, nowMs: number): number {
    let least = Infinity;
    for (const name of brokerNames) {
      const leftMs = (this.pauses.get(name)?.untilMs ?? 0) - nowMs;
      if (leftMs <= 0) return 0;
      least = Math.min(least, leftMs);
    }
    return least === Infinity ? 0 : least;
  }
}
