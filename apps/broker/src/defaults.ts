/**
 * Every default of the broker that is not a setting's own default, in one place, with its unit and the reason.
 * What users may change stands in `config/broker-settings.ts`; those defaults refer to these names.
 */

/**
 * RocketMQ's sample configuration says the same. A name taken from the machine would change with it, and with the name everything that
 * the database keeps for this broker.
 */
export const DEFAULT_BROKER_NAME = 'broker-a';
/** Under the user's home, beside nothing of RocketMQ's (`~/store`), so that a clone of the sources stays clean. */
export const DEFAULT_STORE_PATH = '~/rocknest/store';
/** Each connection costs about 10 KiB of heap and socket buffers when idle. */
export const DEFAULT_MAX_CONNECTIONS = 16_384;

/** RocketMQ's own ports, so that tools and clients find the broker where they expect it. */
export const DEFAULT_LISTEN_PORT = 10911;
export const DEFAULT_NAMESRV_PORT = 9876;
/** The "VIP" port of old clients (up to 4.4 they send there by default): the main port minus two. */
export const VIP_PORT_OFFSET = 2;

/** RocketMQ: 8 queues for TBW102 and for each topic created without a number of its own (clients ask for 4). */
export const DEFAULT_TOPIC_QUEUE_NUMS = 8;
/** RocketMQ: a body of at most 4 MiB; larger payloads belong into an object store. */
export const DEFAULT_MAX_MESSAGE_SIZE_BYTES = 4 * 1024 * 1024;
/** RocketMQ's index files: 20 MB of hash slots and 400 MB of entries each. */
export const DEFAULT_MAX_HASH_SLOT_NUM = 5_000_000;
export const DEFAULT_MAX_INDEX_NUM = 20_000_000;
/** RocketMQ: a query by key returns 64 messages at most, a query by unique id 32. */
export const DEFAULT_MAX_MSGS_NUM_BATCH = 64;
export const DEFAULT_QUERY_MAX_NUM = 32;
/** RocketMQ writes consumer offsets every 5 s: a crash repeats at most the messages of 5 s. */
export const DEFAULT_FLUSH_CONSUMER_OFFSET_INTERVAL_MS = 5_000;
/** RocketMQ registers with every namesrv every 30 s (a namesrv forgets a broker after 120 s). */
export const DEFAULT_REGISTER_NAMESRV_PERIOD_MS = 30_000;
export const MIN_REGISTER_NAMESRV_PERIOD_MS = 10_000;
export const MAX_REGISTER_NAMESRV_PERIOD_MS = 60_000;
/** A namesrv that does not answer a registration in this time is tried again at the next round. RocketMQ waits 24 s. */
export const REGISTER_TIMEOUT_MS = 6_000;
/** After a failed registration the next try comes sooner than the whole period: a namesrv that restarts is found quickly. */
export const REGISTER_RETRY_MS = 2_000;
/** An admin command that created a topic waits this long at most for the namesrvs, so that a route query right after it finds the topic. */
export const REGISTER_WAIT_MS = 1_000;
/**
 * Up to so many topics each registration carries all of them (some 10 ms for both sides). With more, a namesrv is told of single topics
 * (REGISTER_TOPIC_IN_NAMESRV), and the periodic registration asks first whether the namesrv knows all as it is.
 */
export const REGISTER_ALWAYS_ALL_TOPICS = 1_000;
/** Changes of more topics at once are told with all topics. */
export const REGISTER_SINGLE_TOPICS = 64;
/** A namesrv that lost a topic (an administrator deleted it there only) hears of it again after so many periods. */
export const REGISTER_ALL_PERIODS = 10;

/** At stop the broker says goodbye to the namesrvs for at most this long; they notice the closed connection anyway. */
export const UNREGISTER_TIMEOUT_MS = 1_000;

/** RocketMQ: a client that sent no heartbeat for 120 s is dropped (clients send one every 30 s). */
export const CHANNEL_EXPIRED_TIMEOUT_MS = 120_000;
/** RocketMQ looks for dead clients every 10 s. */
export const CLIENT_SCAN_INTERVAL_MS = 10_000;
/** RocketMQ: the lock of an orderly consumer on a queue lives 60 s unless renewed (clients renew every 20 s). */
export const REBALANCE_LOCK_MAX_LIVE_MS = 60_000;
/**
 * At most one notice of changed members to each group in this time; the first goes out at once. Without it a group of
 * n members that start together would cost n * n notices.
 */
export const CONSUMER_IDS_NOTICE_INTERVAL_MS = 100;

/** A group whose members subscribe to different things is reported this often at most: a rolling deployment is one line. */
export const SUBSCRIPTION_MISMATCH_LOG_INTERVAL_MS = 600_000;
/** Names of such groups that GET_BROKER_RUNTIME_INFO lists at most. */
export const MAX_LISTED_MISMATCH_GROUPS = 20;
/** RocketMQ: a member that a tool's request was passed on to answers within 10 s. */
export const CALL_CLIENT_TIMEOUT_MS = 10_000;
/** RocketMQ: a member that is asked for its offsets answers within 5 s, or is left out. */
export const GET_CONSUMER_STATUS_TIMEOUT_MS = 5_000;

/** RocketMQ closes a connection without traffic after 120 s; clients send a heartbeat every 30 s. */
export const DEFAULT_IDLE_TIMEOUT_SECONDS = 120;
/** Clients connect because they have a request; one that is silent from the start holds a descriptor for nothing. */
export const DEFAULT_FIRST_FRAME_TIMEOUT_MS = 30_000;
/** What a request may take to arrive as a whole, so that half of one does not hold memory for ever. */
export const DEFAULT_PARTIAL_FRAME_TIMEOUT_MS = 30_000;

/** Limits of what clients may register: each is far above what applications do and keeps memory bounded. */
export const DEFAULT_MAX_CLIENT_GROUPS = 100_000;
export const DEFAULT_MAX_GROUPS_PER_HEARTBEAT = 2_000;
export const DEFAULT_MAX_SUBSCRIPTIONS_PER_GROUP = 2_000;
export const DEFAULT_MAX_TAGS_PER_SUBSCRIPTION = 10_000;
export const MAX_CLIENT_ID_LENGTH = 1_024;
/**
 * Topics and subscription groups that exist at most, retry and dead letter topics included: each is a row and some 500 bytes of memory, and
 * each registration with a namesrv carries all topics in one frame of 16 MiB.
 */
export const DEFAULT_MAX_TOPICS = 50_000;
export const DEFAULT_MAX_SUBSCRIPTION_GROUPS = 100_000;
/** RocketMQ has no such limit; a topic of more queues than this is a typing error (BenchmarkTest, the largest of its own, has 1024). */
export const MAX_QUEUES_PER_TOPIC = 65_536;
/** Queue locks of orderly consumers: far above what a broker's queues need; each costs about 200 bytes. */
export const DEFAULT_MAX_QUEUE_LOCKS = 1_000_000;

/** A parked pull whose client did not read its socket when a message came is looked at again after this long. */
export const HOLD_CHECK_INTERVAL_MS = 5_000;
/** How exactly time-outs of parked pulls are kept. RocketMQ notices them at the 5 s check only. */
export const HOLD_TIMEOUT_RESOLUTION_MS = 250;
/** RocketMQ: with long polling switched off a pull that found nothing waits this long. */
export const SHORT_POLLING_TIME_MS = 1_000;
/** A client's wish to be parked is cut to this (clients ask for 15 to 30 s and give up after 30). */
export const MAX_SUSPEND_MS = 120_000;
/** Common limits of a process are 1,024 descriptors and more, and sockets need theirs. */
export const DEFAULT_MAX_OPEN_FILES = 256;
/** Pulls parked at most in all; past it a pull that found nothing is answered at once. Each costs about 500 bytes. */
export const DEFAULT_MAX_PARKED_PULLS = 100_000;

/** RocketMQ's queue numbers of the topics it makes for its own use. */
export const SCHEDULE_TOPIC_QUEUE_NUMS = 18;
export const DLQ_QUEUE_NUMS = 1;
export const POP_RETRY_QUEUE_NUMS = 1;
export const BENCHMARK_TOPIC_QUEUE_NUMS = 1_024;
export const CLUSTER_TOPIC_QUEUE_NUMS = 16;
/** The delay level of a first redelivery is this number (10 s); each further one is a level higher. */
export const FIRST_RETRY_DELAY_LEVEL = 3;

/** QUERY_CONSUMER_OFFSET's zero rule: what is within this part of the machine's memory from the end of the log counts as "in memory". */
export const IN_MEMORY_RATIO = 0.4;

/** At stop, requests under way get this long to be answered before their connections close. */
export const DEFAULT_SHUTDOWN_GRACE_MS = 3_000;

/** Compiled SQL92 expressions that are kept ready (RocketMQ: 100), and their characters together, which bound what they hold of memory. */
export const SQL92_CACHE_MAX_EXPRESSIONS = 1_000;
export const SQL92_CACHE_MAX_CHARACTERS = 1_000_000;

/** Messages that wait for a write or an fdatasync (`sendThreadPoolQueueCapacity`: 10,000 requests; each waiting message costs about 200 bytes here). */
export const DEFAULT_SEND_QUEUE_CAPACITY = 100_000;
/** ms that a write to the log may take before sends are refused (`osPageCacheBusyTimeOutMills`). */
export const DEFAULT_OS_PAGE_CACHE_BUSY_TIMEOUT_MS = 1_000;

/** Kept on the disk of the store for a start when it is full: lock and `abort`, 32 KiB of SQLite's shared memory, a few pages of its log. */
export const SPARE_SPACE_BYTES = 256 * 1024;

/** What pulls of consumers far behind take at most of an event loop that is full of sends: an eighth. The clients that read take of the machine, too. */
export const CATCH_UP_SHARE = 0.125;

/** A pull costs so much for each ms of its read: it is received and decoded before, and the kernel takes its answer after it. */
export const PULL_COST_FACTOR = 3;

/** A read that took long does not hold consumers far behind up for longer than this cost, of which each ms of sends makes up a seventh of a ms. */
export const MAX_CATCH_UP_DEBT_MS = 5;
