import { LARGE_FRAME_BYTES } from './defaults.js';

/** What all connections of one server (or client) have in flight together. */
export interface InFlightTotals {
  requests: number;
  largeBytes: number;
}

export interface InFlightLimits {
  /** Requests of one connection. */
  maxPerConnection: number;
  /** Requests of all connections. */
  maxTotal: number;
  /** Bytes of large frames ({@link LARGE_FRAME_BYTES} and more) of all connections. */
  maxLargeBytes: number;
}

/** Counts the requests of one connection that are being served, and the bytes of the large ones, against the limits. */
export class InFlight {
  /** Requests of this connection being served. */
  requests = 0;
  /** Large frames by opaque; a peer that uses an opaque twice has both under one entry. */
  private large: Map<number, number> | undefined = undefined;

  constructor(
    private readonly limits: InFlightLimits,
    private readonly totals: InFlightTotals,
  ) {}

  /** Counts a request in. False when a limit is reached: it must be refused then, and is not counted. */
  tryBegin(opaque: number, frameBytes: number): boolean {
    const { limits, totals } = this;
    if (this.requests >= limits.maxPerConnection || totals.requests >= limits.maxTotal) return false;
    if (frameBytes >= LARGE_FRAME_BYTES) {
      // One large frame is always admitted, whatever the limit: it has been received already.
      if (totals.largeBytes > 0 && totals.largeBytes + frameBytes > limits.maxLargeBytes) return false;
      totals.largeBytes += frameBytes;
      this.large ??= new Map();
      this.large.set(opaque, (this.large.get(opaque) ?? 0) + frameBytes);
    }
    this.requests++;
    totals.requests++;
    return true;
  }

  /** Counts a request out. */
  end(opaque: number): void {
    if (this.requests === 0) return;
    this.requests--;
    this.totals.requests--;
    const { large } = this;
    if (large !== undefined && large.size > 0) {
      const bytes = large.get(opaque);
      if (bytes !== undefined) {
        large.delete(opaque);
        this.totals.largeBytes -= bytes;
      }
    }
  }

  /** Counts everything out: the connection has closed. Answers that come later count no more. */
  clear(): void {
    this.totals.requests -= this.requests;
    this.requests = 0;
    if (this.large === undefined) return;
    for (const bytes of this.large.values()) this.totals.largeBytes -= bytes;
    this.large = undefined;
  }
}
