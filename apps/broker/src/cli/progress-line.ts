import type { CliIo } from './cli-io.js';

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 5_000;

/** How far long work is, in bytes. */
export interface ProgressState {
  /** What is being done: `checking the log`. */
  readonly what: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/**
 * Shows progress on standard error: one line that is rewritten on a terminal, a line every few seconds elsewhere. Short work shows
 * nothing on either.
 */
export class ProgressLine {
  private readonly startMs: number;
  private nextMs: number;
  private isShown = false;
  private what = '';
  private whatStartMs = 0;
  private whatStartBytes = 0;

  constructor(
    private readonly io: CliIo,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.startMs = nowMs();
    this.nextMs = this.startMs + this.intervalMs;
  }

  readonly update = (state: ProgressState): void => {
    const nowMs = this.nowMs();
    if (state.what !== this.what) {
      this.what = state.what;
      this.whatStartMs = nowMs;
      this.whatStartBytes = state.doneBytes;
    }
    if (nowMs < this.nextMs) return;
    this.nextMs = nowMs + this.intervalMs;
    const line = this.lineOf(state, nowMs);
    if (this.io.errIsTerminal) this.io.err(`\r\x1b[K${line.slice(0, this.io.errColumns - 1)}`);
    else this.io.err(`${line}\n`);
    this.isShown = true;
  };

  /** Removes the line, so that what follows stands alone. */
  clear(): void {
    if (this.isShown && this.io.errIsTerminal) this.io.err('\r\x1b[K');
    this.isShown = false;
  }

  private get intervalMs(): number {
    return this.io.errIsTerminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
  }

  private lineOf({ what, doneBytes, totalBytes }: ProgressState, nowMs: number): string {
    const share = totalBytes === 0 ? 100 : Math.min(100, Math.floor((doneBytes / totalBytes) * 100));
    const seconds = (nowMs - this.whatStartMs) / 1000;
    const rate = seconds > 0 ? (doneBytes - this.whatStartBytes) / seconds : 0;
    const left = rate > 0 ? `, ${formatDuration((totalBytes - doneBytes) / rate)} left` : '';
    const amount = `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)} (${share} %)`;
    return `${what}: ${amount}${rate > 0 ? `, ${formatBytes(rate)}/s` : ''}${left}`;
  }
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1.5 GiB` */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(value < 10 ? 2 : 1)} ${UNITS[unit]}`;
}

/** `2 h 05 min`, `12 s` */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}
