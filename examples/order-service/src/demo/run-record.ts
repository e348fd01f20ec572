/** Times in ms since the start of the process. */
export interface RunReport {
  sent: number;
  failed: number;
  handled: number;
  missing: number;
  /** Arrivals of orders that had arrived before: at least once is what the bus promises. */
  again: number;
  /** Orders of other runs that came meanwhile. */
  foreign: number;
  sendMs: number;
  handleMs: number;
  p50Ms: number;
  p99Ms: number;
}

/** Keeps when each order of a run was sent, acknowledged and handled. */
export class RunRecord {
  sent = 0;
  failed = 0;
  again = 0;
  foreign = 0;
  lastProgressMs: number;
  private readonly startedMs: number;
  private readonly begun = new Map<string, number>();
  private readonly acknowledged = new Set<string>();
  private readonly delaysMs: number[] = [];
  private readonly arrived = new Set<string>();
  private lastSentMs: number;
  private lastHandledMs: number;

  constructor(private readonly now: () => number = () => performance.now()) {
    this.startedMs = this.lastProgressMs = this.lastSentMs = this.lastHandledMs = now();
  }

  get handled(): number {
    return this.arrived.size;
  }

  /** Orders that the broker acknowledged and no handler has seen. */
  get missing(): number {
    return [...this.acknowledged].filter((id) => !this.arrived.has(id)).length;
  }

  begin(id: string): void {
    this.begun.set(id, this.now());
  }

  acknowledge(id: string): void {
    this.acknowledged.add(id);
    this.sent++;
    this.lastSentMs = this.lastProgressMs = this.now();
  }

  fail(): void {
    this.failed++;
    this.lastProgressMs = this.now();
  }

  arrive(id: string): void {
    const begunMs = this.begun.get(id);
    if (begunMs === undefined) {
      this.foreign++;
      return;
    }
    if (this.arrived.has(id)) {
      this.again++;
      return;
    }
    this.arrived.add(id);
    this.lastHandledMs = this.lastProgressMs = this.now();
    this.delaysMs.push(this.lastHandledMs - begunMs);
  }

  report(): RunReport {
    const delays = this.delaysMs.toSorted((a, b) => a - b);
    const percentile = (p: number): number => delays[Math.min(delays.length - 1, Math.floor(delays.length * p))] ?? 0;
    return {
      sent: this.sent,
      failed: this.failed,
      handled: this.handled,
      missing: this.missing,
      again: this.again,
      foreign: this.foreign,
      sendMs: this.lastSentMs - this.startedMs,
      handleMs: this.lastHandledMs - this.startedMs,
      p50Ms: percentile(0.5),
      p99Ms: percentile(0.99),
    };
  }
}
