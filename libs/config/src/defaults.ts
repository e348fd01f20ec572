/** Bytes a conf file may have: RocketMQ's own have a few KiB, so anything larger is some other file. */
export const CONFIG_FILE_MAX_BYTES = 1024 * 1024;

/** Highest TCP port. Port 0 asks the operating system for any free one. */
export const PORT_MAX = 65_535;

/** Connections a pool opens to Postgres or MySQL: the broker writes one batch at a time, and a second must not wait for it. */
export const DATABASE_POOL_SIZE = 4;

/** ms to wait for a TCP connection to the database before it counts as down. */
export const DATABASE_CONNECT_TIMEOUT_MS = 5_000;

/** ms a query may take before the database counts as down: half-open connections would otherwise hold it for ever. */
export const DATABASE_QUERY_TIMEOUT_MS = 10_000;

/** ms that SQLite waits for another process which holds the file (the event loop stands still meanwhile). */
export const SQLITE_BUSY_TIMEOUT_MS = 1_000;

/** A write that takes longer counts as failed, so that one connection that hangs does not stop all writing. */
export const DATABASE_WRITE_TIMEOUT_MS = 15_000;
