/** What the namesrv says to whoever runs it. Nest's ConsoleLogger fits, and a test may pass its own. */
export interface NamesrvLogger {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Says nothing: for namesrvs inside tests and inside a broker. */
export const silentLogger: NamesrvLogger = { log: () => {}, warn: () => {}, error: () => {} };
