/** RocketMQ (`BrokerConfig.transactionTimeOut`): a producer has 6 s to end a transaction before it is asked for the first time. */
export const DEFAULT_TRANSACTION_TIMEOUT_MS = 6_000;
/** RocketMQ (`transactionCheckMax`): asked 15 times without an answer, a half message is set aside. */
export const DEFAULT_TRANSACTION_CHECK_MAX = 15;
/** RocketMQ (`transactionCheckInterval`): 30 s since 5.x, 60 s in 4.x. */
export const DEFAULT_TRANSACTION_CHECK_INTERVAL_MS = 30_000;
/** RocketMQ (`transactionOpMsgMaxSize`): the marks of ended half messages are written together, up to so many bytes of text. */
export const DEFAULT_TRANSACTION_OP_MSG_MAX_SIZE_BYTES = 4_096;
/** RocketMQ (`transactionOpBatchInterval`): or after this time. A crash loses the marks since, and those half messages are asked about. */
export const DEFAULT_TRANSACTION_OP_BATCH_INTERVAL_MS = 3_000;

/** RocketMQ: ended half messages whose mark is not written yet, at most (`MessageQueueOpContext`: 20,000); some 2 MB. */
export const MAX_PENDING_MARKS = 20_000;
/** Ends and moves of half messages that are remembered, so that an end that comes twice or late does not deliver twice: some 10 MB. */
export const MAX_REMEMBERED_HALVES = 100_000;
/** RocketMQ (`MAX_PROCESS_TIME_LIMIT`): one pass over a queue takes this long at most; the next one goes on where it stopped. */
export const MAX_PASS_MS = 60_000;
/** Half messages that one pass looks at, at most: a bit for each is 2 MiB. */
export const MAX_PASS_HALVES = 16 * 1024 * 1024;
/** Half messages that are read, and op messages that are read, at a time (`OP_MSG_PULL_NUMS`). */
export const READ_BATCH_MESSAGES = 32;
/** ms that a pass waits for a producer that does not read its socket before it goes on without asking. */
export const WRITABLE_WAIT_MS = 2_000;
export const WRITABLE_POLL_MS = 20;
/** How far the clocks of producers and the broker may differ, where the age of a half message decides whether its delivery is looked for. */
export const CLOCK_TOLERANCE_MS = 60_000;
/** Messages of one UNIQ_KEY that are looked at: ids are unique, unless a producer makes its own. */
export const MAX_DELIVERIES_OF_A_KEY = 8;
