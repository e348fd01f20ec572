/** What the metadata says to whoever runs the broker. Nest's loggers fit. */
export interface MetadataLogger {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
