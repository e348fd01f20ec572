/** Numbers of POP consumption that are no setting, and the defaults of those that are, with unit and reason. */

/** RocketMQ: eight queues of the revive topic. */
export const DEFAULT_REVIVE_QUEUE_NUM = 8;
/** RocketMQ: 20 of 100 pops look into the retry topic first. */
export const DEFAULT_POP_FROM_RETRY_PROBABILITY = 20;
/** RocketMQ: pops that wait for one queue (or for any queue of a topic) of one group. */
export const DEFAULT_POP_POLLING_SIZE = 1_024;
/** RocketMQ: pops that wait in all. */
export const DEFAULT_MAX_POP_POLLING_SIZE = 100_000;
/** RocketMQ: groups and queues for which pops wait. */
export const DEFAULT_POP_POLLING_MAP_SIZE = 100_000;
/** RocketMQ: a check point stays in memory for 10 s before it is written to the revive topic. Most are acknowledged by then and never written. */
export const DEFAULT_POP_CK_STAY_BUFFER_TIME_MS = 10_000;
/** Check points held at most, some 60 bytes each. RocketMQ's buffer holds 200,000 and lets the others be written at once. */
export const DEFAULT_POP_CK_MAX_BUFFER_SIZE = 1_000_000;
/** RocketMQ: messages of a queue that a group popped and did not acknowledge, when enablePopMessageThreshold is on. */
export const DEFAULT_POP_INFLIGHT_MESSAGE_THRESHOLD = 10_000;
/** RocketMQ: every client may pop every queue. */
export const DEFAULT_POP_SHARE_QUEUE_NUM = -1;
/** A day: more than any client asks for (12 h at most), and well below the time for which the log is kept. */
export const DEFAULT_MAX_POP_INVISIBLE_TIME_MS = 86_400_000;
/** RocketMQ polls routes every 30 s for its assignments. */
export const ROUTE_POLL_INTERVAL_MS = 30_000;
/** An assignment does not wait longer than this for a namesrv: clients give up after 3 s. */
export const ROUTE_TIMEOUT_MS = 2_000;
/** Routes kept for assignments; the oldest go first. */
export const MAX_CACHED_ROUTES = 10_000;

/** How exactly the end of an invisible time is kept, and how often the pop services look after what they have to do. */
export const POP_TICK_MS = 250;
/** A wait is ended at most so much after its time. */
export const POP_POLLING_RESOLUTION_MS = 100;
/** States of orderly pops that nobody needs any more are looked for so often. */
export const ORDER_INFO_CLEAN_INTERVAL_MS = 600_000;
/** Messages that are moved to their retry topic at the same time. */
export const REVIVE_CONCURRENCY = 64;
/** Check points that are taken up in one look, so that the event loop serves others in between. */
export const REVIVE_BATCH = 512;
/** Check points written to the revive topic in one look. */
export const REVIVE_LOG_BATCH = 2_000;
/** A message that cannot be moved (disk full) is tried again after this long, growing with each time as in RocketMQ. */
export const REVIVE_RETRY_INTERVALS_MS: readonly number[] = [
  10, 20, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1_200, 1_800, 3_600, 7_200,
].map((seconds) => seconds * 1_000);
/**
 * Records behind the oldest pending check point of a revive queue; past it that check point is written again, so that a start never has to read
 * more than this of each queue.
 */
export const REVIVE_LOG_MAX_LAG = 20_000;
/** Records read at a time at the start. */
export const REVIVE_READ_MESSAGES = 1_000;
/**
 * How long a check point that was read, at a start or behind a Java broker, waits beyond its time for acknowledgements which the timer delivers at that
 * time. RocketMQ waits 2 s; one more for how often we look, and for a timer that takes whole seconds.
 */
export const TIMER_ACKS_WAIT_MS = 3_000;
/** Check points that do not wait any more are forgotten so often. */
export const WAITING_TIDY_INTERVAL_MS = 10_000;
/** RocketMQ: the state of a queue that was not popped for a day is forgotten. */
export const ORDER_INFO_LIFE_MS = 86_400_000;
/** A pop's answer is not filled beyond this, so that it fits a frame (16 MiB) together with one message of the largest size. */
export const POP_MAX_BYTES = 4 * 1024 * 1024;
/** RocketMQ: a request that is older than its poll time by this much is answered without looking, because its client gave up. */
export const POP_TIMEOUT_TOLERANCE_MS = 500;
