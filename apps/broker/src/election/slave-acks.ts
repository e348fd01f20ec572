interface Slave {
  ackOffset: number;
  isConnected: boolean;
  /** When it last had everything that there was. */
  caughtUpAtMs: number;
  /** End of the log at its last report, and when that was. */
  reportedEndOffset: number;
  reportedAtMs: number;
}

/**
 * How far the slaves of one term are. A slave that goes keeps what it reported: it has that.
 */
export class SlaveAcks {
  private readonly slaves = new Map<number, Slave>();

  /** @param startedAtMs since when slaves that were not seen yet are missing */
  constructor(private readonly startedAtMs: number) {}

  connected(id: number, logEndOffset: number, nowMs: number): void {
    const slave = this.slaves.get(id);
    this.slaves.set(id, {
      ackOffset: slave?.ackOffset ?? -1,
      isConnected: true,
      caughtUpAtMs: slave?.caughtUpAtMs ?? this.startedAtMs,
      reportedEndOffset: logEndOffset,
      reportedAtMs: nowMs,
    });
  }

  disconnected(id: number): void {
    const slave = this.slaves.get(id);
    if (slave !== undefined) slave.isConnected = false;
  }

  /** @param logEndOffset of the master, now */
  reported(id: number, ackOffset: number, logEndOffset: number, nowMs: number): void {
    const slave = this.slaves.get(id);
    if (slave === undefined) return;
    slave.ackOffset = ackOffset;
    if (ackOffset >= logEndOffset) slave.caughtUpAtMs = nowMs;
    else if (ackOffset >= slave.reportedEndOffset)
      slave.caughtUpAtMs = Math.max(slave.caughtUpAtMs, slave.reportedAtMs);
    if (ackOffset < slave.reportedEndOffset) return;
    slave.reportedEndOffset = logEndOffset;
    slave.reportedAtMs = nowMs;
  }

  /** Everything before this offset is there; -1: nothing is known. */
  ackOf(id: number): number {
    return this.slaves.get(id)?.ackOffset ?? -1;
  }

  /** Those with an open line. */
  connectedIds(): number[] {
    return [...this.slaves].filter(([, { isConnected }]) => isConnected).map(([id]) => id);
  }

  /** How long ago the slave had everything; Infinity before its first report. */
  lagMs(id: number, logEndOffset: number, nowMs: number): number {
    const slave = this.slaves.get(id);
    if (slave === undefined) return nowMs - this.startedAtMs;
    if (slave.isConnected && slave.ackOffset >= logEndOffset) return 0;
    return nowMs - slave.caughtUpAtMs;
  }
}
