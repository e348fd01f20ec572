/** Rows in one upsert: with 500 each row costs a fortieth of a single one, and SQLite holds the event loop for some 2.5 ms. */
export const UPSERT_BATCH_ROWS = 500;

/** RocketMQ: consumer offsets are written every 5 s; a crash repeats what was consumed since. */
export const FLUSH_CONSUMER_OFFSET_INTERVAL_MS = 5_000;

/** RocketMQ: offsets of the delay levels are written every 10 s; a crash delivers again what was delivered since. */
export const FLUSH_DELAY_OFFSET_INTERVAL_MS = 10_000;

/** RocketMQ: the version of the consumer offsets goes up every 500 commits, that of the delay offsets every 200. */
export const CONSUMER_OFFSET_VERSION_STEP = 500;
export const DELAY_OFFSET_VERSION_STEP = 200;

/** While the database is down it is tried again after 1 s, 2 s, 4 s, ... and then every 30 s. */
export const RETRY_MIN_MS = 1_000;
export const RETRY_MAX_MS = 30_000;

/** ms that `close()` goes on trying to write what is pending while the database is down. */
export const CLOSE_TIMEOUT_MS = 5_000;

/** Changes of topics or groups that may wait for the database at one time: beyond it a burst is refused, not queued. */
export const MAX_PENDING_CHANGES = 10_000;

/** Committed offsets held in memory at most (some 100 bytes each): groups x topics x queues of a very large broker. */
export const MAX_CONSUMER_OFFSETS = 2_000_000;

/** Width of name columns. Three of them and a number are what an index of MySQL can hold (3072 bytes). */
export const NAME_MAX_LENGTH = 255;

/** Characters of a JSON column at most: `text` of MySQL holds 65,535 bytes, and a character of escaped JSON is one byte. */
export const JSON_MAX_LENGTH = 60_000;

/** RocketMQ: the state of orderly pops is written every 5 s; a crash lets what was popped since be popped again. */
export const FLUSH_ORDER_INFO_INTERVAL_MS = 5_000;

/** Queues popped in order, some 300 bytes each. */
export const MAX_ORDER_INFOS = 200_000;

/** Pairs of a topic and a group with a request mode of their own. */
export const MAX_REQUEST_MODES = 100_000;
