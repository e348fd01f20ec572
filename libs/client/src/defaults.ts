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
