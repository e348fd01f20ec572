/** RocketMQ's 18 delay levels, `messageDelayLevel` of MessageStoreConfig: the first retry of a failed message takes level 3. */
export const DEFAULT_MESSAGE_DELAY_LEVEL = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';

/** More levels than this are refused: each one is a queue of SCHEDULE_TOPIC_XXXX with state of its own. */
export const MAX_DELAY_LEVELS = 64;

/** A delay longer than this (1 year) is taken for a mistake in the setting. */
export const MAX_DELAY_MS = 365 * 24 * 3_600_000;

/** How many due messages of one level are put into the log together before the level's offset moves. */
export const DELIVERY_BATCH_MESSAGES = 128;

/** Pause after a failed delivery (disk full, log busy): the same offset is tried again. RocketMQ: DELAY_FOR_A_WHILE. */
export const RETRY_PAUSE_MS = 100;

/** Node clamps longer timers to 1 ms: a head due later than this is looked at again then. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
