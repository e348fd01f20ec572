/** Defaults of `@rocknest/client`: one constant each, with the unit and the reason. */

/** Where a bus started with `nest start broker` listens. */
export const NAMESRV_ADDR = '127.0.0.1:9876';
/** Producer group when none is given. The group matters for transactions only, where the user names one. */
export const PRODUCER_GROUP = 'rocknest-producer';
/** Name of the producer that `@InjectProducer()` without a name means. */
export const PRODUCER_NAME = 'default';
/** Messages that one handler works on at once in this process (RocketMQ: `consumeThreadMax` 20). */
export const HANDLER_CONCURRENCY = 20;
/** Upper limit of `concurrency`: each running handler holds a message and its promise chain. */
export const MAX_HANDLER_CONCURRENCY = 10_000;
/** Upper limit of `batch.maxMessages` (RocketMQ: `consumeMessageBatchMaxSize` 1 to 1,024). */
export const MAX_BATCH_MESSAGES = 1_024;
/** ms that a close waits for running handlers. Orchestrators kill 30 s after the signal: 5 s stay for offsets and the rest. */
export const DRAIN_TIMEOUT_MS = 25_000;
/** Signals at which the intake stops at once. */
export const SHUTDOWN_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];
/** Characters of a failure that go into the log. */
export const MAX_LOGGED_ERROR_LENGTH = 500;
/** Bytes of a failure's name, text and trace id that are stored with the message: far below the 32,767 that its properties may have together. */
export const MAX_FAILURE_NAME_BYTES = 128;
export const MAX_FAILURE_MESSAGE_BYTES = 1_024;
export const MAX_FAILURE_TRACE_ID_BYTES = 128;
/** Bytes of properties up to which the reason of a failure is added: 32,767 less room for what client and broker add to a retried message. */
export const MAX_PROPERTIES_WITH_FAILURE_BYTES = 31_000;
/** ms of RocketMQ's delay levels 1 to 18 (`messageDelayLevel`); a broker may be set to others. */
export const DELAY_LEVELS_MS: readonly number[] = [
  1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1_200, 1_800, 3_600, 7_200,
].map((seconds) => seconds * 1_000);
/** Highest delay level that an option may name: a broker's table may be longer than 18. */
export const MAX_DELAY_LEVELS = 1_000;
/** Redeliveries before the dead letter queue where nothing is said (RocketMQ: 16), and the most that may be asked for. */
export const MAX_RECONSUME_TIMES = 16;
export const MAX_RECONSUME_TIMES_LIMIT = 10_000;

/** A transaction of `inTransaction` that takes longer is given up once a check meets it: longer than any of a web request. */
export const MAX_TRANSACTION_MS = 60_000;
/** Outcomes are kept longer than brokers keep messages by default (`fileReservedTime`: 72 hours), and so longer than they ask. */
export const OUTCOME_RETENTION_MS = 4 * 24 * 3_600_000;
/** Between two clean-ups of outcomes, and rows that one statement deletes. */
export const OUTCOME_CLEAN_UP_INTERVAL_MS = 60_000;
export const OUTCOME_CLEAN_UP_BATCH = 500;

/** Problems of a payload that the text of a validation error tells, at most; the error itself has all. */
export const MAX_TOLD_ISSUES = 10;
/** Producer group of a server's replies. */
export const REPLIER_GROUP = 'rocknest-replier';
