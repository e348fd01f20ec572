import { LOG_INTERVAL_MS } from './defaults.js';

/** Where a server or client writes what a human may want to know. Nest's `Logger` fits. */
export interface RemotingLogger {
  debug?(message: string): void;
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Writes nothing. The default. */
export const silentLogger: RemotingLogger = { log() {}, warn() {}, error() {} };

/** Warnings and errors to standard error, the rest nowhere. */
export const consoleLogger: RemotingLogger = {
  log() {},
  warn: (message) => console.warn(`[remoting] ${message}`),
  error: (message) => console.error(`[remoting] ${message}`),
};

/**
 * Lets one kind of trouble through once in `intervalMs` and counts the rest: what any stranger on the network can cause
 * must not fill a disk.
 */
export class LimitedLog {
  private readonly kinds = new Map<string, { lastMs: number; suppressed: number }>();

  constructor(
    private readonly logger: RemotingLogger,
    private readonly intervalMs = LOG_INTERVAL_MS,
    private readonly now: () => number = Date.now,
  ) {}

  /** `kind` is one of a fixed set of words, never text from the network. */
  warn(kind: string, message: string): void {
    const line = this.admit(kind, message);
    if (line !== undefined) this.logger.warn(line);
  }

  error(kind: string, message: string): void {
    const line = this.admit(kind, message);
    if (line !== undefined) this.logger.error(line);
  }

  debug(message: string): void {
    this.logger.debug?.(message);
  }

  private admit(kind: string, message: string): string | undefined {
    const nowMs = this.now();
    const state = this.kinds.get(kind);
    if (state === undefined) {
      this.kinds.set(kind, { lastMs: nowMs, suppressed: 0 });
      return message;
    }
    if (nowMs - state.lastMs < this.intervalMs) {
      state.suppressed++;
      return undefined;
    }
    const { suppressed } = state;
    state.lastMs = nowMs;
    state.suppressed = 0;
    return suppressed === 0 ? message : `${message} (and ${suppressed} more like this)`;
  }
}
