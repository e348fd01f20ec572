/** What the broker says to whoever runs it. Nest's ConsoleLogger fits, and a test may pass its own. */
export interface BrokerLogger {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Says nothing: for brokers inside tests. */
export const silentLogger: BrokerLogger = { log: () => {}, warn: () => {}, error: () => {} };
