/** Where a client writes what a human may want to know. Nest's `Logger` fits. */
export interface ClientLogger {
  debug?(message: string): void;
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** The default: warnings and errors to standard error, the rest nowhere. */
export const consoleLogger: ClientLogger = {
  log() {},
  warn(message) {
    console.warn(`[rocknest] ${message}`);
  },
  error(message) {
    console.error(`[rocknest] ${message}`);
  },
};

/** Writes nothing. */
export const silentLogger: ClientLogger = { log() {}, warn() {}, error() {} };

/**
 * Lets a message about one subject (a broker, a topic) through at most once in `intervalMs`: a broker that is down for an
 * hour fills no log. Holds at most `maxSubjects`, and forgets the oldest first.
 */
export class LogLimiter {
  private readonly last = new Map<string, number>();

  constructor(
    private readonly intervalMs = 60_000,
    private readonly maxSubjects = 1_000,
  ) {}

  allows(subject: string, nowMs = Date.now()): boolean {
    const before = this.last.get(subject);
    if (before !== undefined && nowMs - before < this.intervalMs) return false;
    this.last.delete(subject);
    this.last.set(subject, nowMs);
    if (this.last.size > this.maxSubjects) {
      const oldest = this.last.keys().next();
      if (!oldest.done) this.last.delete(oldest.value);
    }
    return true;
  }

  /** Forgets a subject, so that its next trouble is told at once. */
  clear(subject: string): void {
    this.last.delete(subject);
  }
}
