import { MAX_SWEEP_INTERVAL_MS } from '../defaults.js';
import type { ConnectionTimeouts } from './connection-environment.js';
import type { SocketConnection } from './socket-connection.js';

/** A partial frame that was seen before: the frames read until then tell whether it is still the same one. */
interface PartialFrame {
  framesBefore: number;
  sinceMs: number;
}

/**
 * Looks through all connections of a server or client now and then and closes those that are idle, silent since they
 * opened, or stuck in the middle of a frame. One timer for all of them; the hot path pays one clock reading for each
 * chunk of bytes.
 */
export class ConnectionMonitor {
  private readonly partials = new Map<SocketConnection, PartialFrame>();
  private timer: NodeJS.Timeout | undefined = undefined;
  private lastSweepMs = 0;

  constructor(
    private readonly timeouts: ConnectionTimeouts,
    private readonly connections: () => Iterable<SocketConnection>,
    private readonly onExpired: (connection: SocketConnection, reason: string) => void,
  ) {}

  start(): void {
    if (this.timer !== undefined) return;
    const { idleMs, firstFrameMs, partialFrameMs } = this.timeouts;
    const shortestMs = Math.min(...[idleMs, firstFrameMs, partialFrameMs].filter((ms) => ms > 0));
    if (shortestMs === Infinity) return;
    const intervalMs = Math.max(1, Math.min(MAX_SWEEP_INTERVAL_MS, Math.ceil(shortestMs / 4)));
    this.lastSweepMs = performance.now();
    this.timer = setInterval(() => this.onInterval(intervalMs), intervalMs);
    this.timer.unref();
  }

  private onInterval(intervalMs: number): void {
    const nowMs = performance.now();
    const late = nowMs - this.lastSweepMs > 2 * intervalMs;
    this.lastSweepMs = nowMs;
    // The event loop stood still: what peers have sent meanwhile is not read yet, and nobody is to blame for it.
    if (!late) this.sweep(nowMs);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.partials.clear();
  }

  forget(connection: SocketConnection): void {
    this.partials.delete(connection);
  }

  /** @internal also called by tests, with a clock of their own */
  sweep(nowMs: number): void {
    for (const connection of this.connections()) {
      const reason = this.expiry(connection, nowMs);
      if (reason !== undefined) this.onExpired(connection, reason);
    }
  }

  private expiry(connection: SocketConnection, nowMs: number): string | undefined {
    const { idleMs, firstFrameMs } = this.timeouts;
    // The time-outs of pending requests bound the wait for a peer that owes an answer.
    if (idleMs > 0 && nowMs - connection.lastActivityMs >= idleMs && connection.pending === 0) {
      return `idle for ${idleMs} ms`;
    }
    if (firstFrameMs > 0 && connection.decoder.frames === 0 && nowMs - connection.openedAtMs >= firstFrameMs) {
      return `no request within ${firstFrameMs} ms after connecting`;
    }
    return this.partialFrameExpiry(connection, nowMs);
  }

  private partialFrameExpiry(connection: SocketConnection, nowMs: number): string | undefined {
    const { partialFrameMs, minFrameBytesPerSecond } = this.timeouts;
    const { decoder } = connection;
    // While this side does not read, the rest of a frame cannot come.
    if (partialFrameMs === 0 || !decoder.hasPartialFrame || !connection.isReading) {
      this.partials.delete(connection);
      return undefined;
    }
    const seen = this.partials.get(connection);
    if (seen === undefined || seen.framesBefore !== decoder.frames) {
      this.partials.set(connection, { framesBefore: decoder.frames, sinceMs: nowMs });
      return undefined;
    }
    const allowedMs = partialFrameMs + (decoder.partialFrameBytes / minFrameBytesPerSecond) * 1000;
    if (nowMs - seen.sinceMs < allowedMs) return undefined;
    return `a frame of ${decoder.partialFrameBytes} bytes was not complete after ${Math.round(allowedMs)} ms`;
  }
}
