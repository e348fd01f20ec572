/** Every default of the store, with its unit and the reason. Where RocketMQ has the same setting, its name stands in brackets. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** [mappedFileSizeCommitLog] Segments of the same size as RocketMQ's, so that either broker opens the other's store. */
export const SEGMENT_SIZE_BYTES = 1024 * MIB;

/** [mappedFileSizeConsumeQueue] 300,000 entries of 20 bytes. */
export const CONSUME_QUEUE_FILE_ENTRIES = 300_000;

/** [maxMessageSize] The body; RocketMQ's clients default to the same. */
export const MAX_MESSAGE_SIZE_BYTES = 4 * MIB;

/** What a stored record may have beyond the body: RocketMQ's MessageExtEncoder allows 64 KiB for topic, properties and fixed fields. */
export const RECORD_OVERHEAD_BYTES = 64 * KIB;

/** PROPERTIESLENGTH is an int16. */
export const MAX_PROPERTIES_BYTES = 32_767;

/** Topics are at most this long, except for retry and dead letter topics. */
export const MAX_TOPIC_BYTES = 127;

/** Retry and dead letter topics carry a group name behind a prefix. */
export const MAX_GROUP_TOPIC_BYTES = 255;

/** Bytes encoded but not yet written. At 250 MB/s this is a stall of the disk of a quarter second; memory stays bounded past it. */
export const MAX_BUFFERED_BYTES = 64 * MIB;

/** Appends that wait for a write or an fdatasync. Each costs about 200 bytes of heap. */
export const MAX_PENDING_APPENDS = 100_000;

/** [osPageCacheBusyTimeOutMills] A write that takes longer makes new appends fail with OS_PAGE_CACHE_BUSY. */
export const OS_PAGE_CACHE_BUSY_TIMEOUT_MS = 1_000;

/** A commit of more bytes is written off the event loop: copying 512 KiB to the page cache takes about 0.1-0.4 ms. */
export const SYNC_WRITE_MAX_BYTES = 512 * KIB;

/** A synchronous write or read that took longer shows a busy disk: the next ones go off the event loop. */
export const SLOW_IO_MS = 4;

/** How long after a slow write or read the store keeps off the event loop; it doubles while the disk stays slow. */
export const SLOW_IO_HOLD_MS = 50;

/** The most that the time off the event loop grows to: a disk that stays slow is tried this often. */
export const SLOW_IO_MAX_HOLD_MS = 10_000;

/** [flushIntervalCommitLog] Asynchronous flush: what a power loss may take, and what one fdatasync groups. */
export const FLUSH_INTERVAL_MS = 500;

/** [syncFlushTimeout] A put that waited longer for fdatasync is answered FLUSH_DISK_TIMEOUT (it is stored all the same). */
export const SYNC_FLUSH_TIMEOUT_MS = 5_000;

/** [flushIntervalConsumeQueue] How often consume queue entries go from memory to their files. */
export const CONSUME_QUEUE_FLUSH_INTERVAL_MS = 1_000;

/** Entries of one queue kept back at most before they are written without waiting for the timer: 16 KiB. */
export const CONSUME_QUEUE_WRITE_BATCH_ENTRIES = 819;

/** Entries of one queue that stay in memory after they were written, so that pulls of the tail read no file: 40 KiB for a busy queue. */
export const CONSUME_QUEUE_TAIL_ENTRIES = 2_048;

/** Entries of all queues that stay in memory together; a tail past it drops what is in its file. 800 full tails, or 50,000 of 30 entries. */
export const CONSUME_QUEUE_TAILS_BYTES = 32 * MIB;

/**
 * With more queues than this to write, entries are held back: one write for each message would be dear (open, write, close: about 20 us).
 * As many as the descriptors that stay open.
 */
export const CONSUME_QUEUE_HOLD_BACK_QUEUES = 256;

/** Held back for so long at most. RocketMQ flushes its queues thoroughly as often (flushConsumeQueueThoroughInterval). */
export const CONSUME_QUEUE_HOLD_BACK_MS = 60_000;

/** Entries held back at most in all queues: 8 MiB. Past it the oldest are written. */
export const CONSUME_QUEUE_HOLD_BACK_ENTRIES = 400_000;

/** With no message for this long, everything held back is written. */
export const CONSUME_QUEUE_QUIET_MS = 3_000;

/** Between two slices of writing that nobody waits for: the loop then serves four fifths of the time. */
export const CONSUME_QUEUE_FLUSH_PAUSE_MS = 8;

/** The smallest store that keeps a queue table: with fewer queues, looking into the files at the start takes no time. */
export const QUEUE_TABLE_MIN_QUEUES = 1_000;

/**
 * Many queue files are synced so long after the kernel was given their pages: it has written them by itself by then (30 s, and 5 s until
 * it looks), and an fdatasync costs next to nothing.
 */
export const QUEUE_SYNC_DELAY_MS = 40_000;

/** What a stop may spend on syncing many queue files. The start after it goes without, unless the power fails in between. */
export const STOP_SYNC_MS = 2_000;

/** The time slice of one pass over queues to write, so that 40,000 queues don't stop the event loop. */
export const CONSUME_QUEUE_FLUSH_SLICE_MS = 2;

/** A checkpoint is taken this often while the store is written to. Recovery after a crash starts at the last one. */
export const CHECKPOINT_INTERVAL_MS = 10_000;

/** ... or after so many bytes of log, whichever is first: about half a second of recovery. */
export const CHECKPOINT_LOG_BYTES = 256 * MIB;

/** Recently written log kept in memory at most; pulls of the tail are copied out of it. */
export const TAIL_CACHE_BYTES = 64 * MIB;

/** The first, and the smallest, write buffer: what an idle store holds. */
export const TAIL_CHUNK_MIN_BYTES = 64 * KIB;

/** The largest write buffer. Buffers double while they fill faster than `TAIL_CHUNK_GROW_MS`. */
export const TAIL_CHUNK_MAX_BYTES = 4 * MIB;

/** The tail cache is dropped buffer by buffer: it consists of at least so many. */
export const TAIL_CACHE_MIN_CHUNKS = 16;

/** A write buffer that was full sooner is followed by one of twice the size, else by one of half. */
export const TAIL_CHUNK_GROW_MS = 250;

/** With neither an append nor a read for this long, the tail cache and the read cache are given back. */
export const IDLE_RELEASE_MS = 15_000;

/** Blocks of the log read for catch-up consumers, shared by all of them. */
export const READ_CACHE_BYTES = 32 * MIB;

/** ... of which so much is kept of what was read through: consumers that follow one another closely still share it, and it stays in a processor's cache. */
export const READ_CACHE_SPENT_BYTES = 2 * MIB;

/** One block: large enough that a system call is nothing for each message, small enough to read on the event loop (about 40 us). */
export const READ_BLOCK_BYTES = 256 * KIB;

/** Blocks that are read ahead of a reader that waits for the disk: 1 MiB, some ms of what an SSD gives. */
export const READ_AHEAD_BLOCKS = 4;

/** Reads of old log that wait for the disk at a time: half of the runtime's four threads, which also write and sync. */
export const MAX_WAITING_READS = 2;

/** Blocks overlap by so much: a record up to this size that crosses the end of a block is whole in it. */
export const READ_BLOCK_OVERLAP_BYTES = 16 * KIB;

/** Entries of a consume queue that a catch-up read takes from its file at once, for the pulls that follow. */
export const ENTRY_WINDOW_ENTRIES = 1_024;

/** Such windows that are kept: 20 KiB each. */
export const MAX_ENTRY_WINDOWS = 128;

/** Entries whose records lie further apart than this on average are read one by one: a block would mostly carry other queues' messages. */
export const READ_SPARSE_BYTES = 32 * KIB;

/** Share of the machine's memory that recently written log is taken to fill in the page cache; older data is read off the event loop. */
export const PAGE_CACHE_SHARE = 0.25;

/** [accessMessageInMemoryMaxRatio] Share of the machine's memory within which RocketMQ calls a message "in memory" (batch limits below). */
export const IN_MEMORY_SHARE = 0.4;

/** [maxTransferCountOnMessageInMemory, maxTransferBytesOnMessageInMemory] */
export const MAX_TRANSFER_COUNT_IN_MEMORY = 32;
export const MAX_TRANSFER_BYTES_IN_MEMORY = 256 * KIB;

/** [maxTransferCountOnMessageInDisk, maxTransferBytesOnMessageInDisk] */
export const MAX_TRANSFER_COUNT_ON_DISK = 8;
export const MAX_TRANSFER_BYTES_ON_DISK = 64 * KIB;

/** [maxFilterMessageSize] Bytes of consume queue that one pull scans at least while nothing matches: 800 entries. */
export const MAX_FILTER_SCAN_BYTES = 16_000;

/** Bytes of records that one pull with a filter of properties looks at, about: large messages must not make it a long one. */
export const MAX_FILTER_READ_BYTES = 8 * MIB;

/** Time that filters of properties take of one turn of the event loop, all pulls together: about 2,000 messages. What is left over waits for the next turn. */
export const FILTER_TURN_MS = 2;

/** Messages that a filter of properties gets at once, and memory for them (RocketMQ's limits of a batch from memory). */
export const FILTER_CHUNK_MESSAGES = 32;
export const FILTER_SCRATCH_BYTES = 256 * KIB;

/** What one pull may return when the caller sets no limit of its own (RocketMQ's MAX_PULL_MSG_SIZE). */
export const MAX_PULL_BYTES = 128 * MIB;

/** Most messages one pull may ask for; it bounds the entries that one call scans. Clients ask for 32, and 1,024 at most. */
export const MAX_PULL_MESSAGES = 10_000;

/** Descriptors of commit log and consume queue files together. Common limits of a process are 1,024 and more, and sockets need theirs. */
export const MAX_OPEN_FILES = 256;

/** Bytes read in one go while recovering. */
export const RECOVERY_READ_BYTES = 4 * MIB;

/** The owner of a store touches its lock file this often. */
export const LOCK_HEARTBEAT_MS = 1_000;

/** A lock whose owner cannot be seen from here (another container) counts as left behind when it was not touched for this long. */
export const LOCK_STALE_MS = 10_000;

/** After a failed write (disk full), a new append tries the disk again at most this often. */
export const WRITE_RETRY_INTERVAL_MS = 1_000;

/** After a failed fdatasync the log is written again at once, then after the interval above, then after twice that, up to this. */
export const FLUSH_REPAIR_MAX_RETRY_MS = 30_000;

/** Entries of consume queues that are made again from the log in one go after a failed fdatasync: 8 MB. */
export const QUEUE_REPAIR_ENTRIES = 400_000;

/** Log read in one go for that, beside the sends: about a ms of decoding. */
export const QUEUE_REPAIR_READ_BYTES = 256 * KIB;

/** [messageDelayLevel] Delay of each level in ms, level 1 first: 1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h. */
export const DELAY_LEVELS_MS: readonly number[] = [
  1_000, 5_000, 10_000, 30_000, 60_000, 120_000, 180_000, 240_000, 300_000, 360_000, 420_000, 480_000, 540_000, 600_000,
  1_200_000, 1_800_000, 3_600_000, 7_200_000,
];

/** First read of a record whose size is not known yet: most records are smaller. */
export const RECORD_HEAD_READ_BYTES = 4 * KIB;

/** Queue entries that may wait in memory while their files cannot be written: 800,000 messages. Past it no message is taken. */
export const MAX_UNWRITTEN_QUEUE_BYTES = 16 * MIB;

/** [fileReservedTime] Segments whose last write is longer ago are deleted, at the hours of `DELETE_WHEN`. */
export const FILE_RESERVED_TIME_HOURS = 72;

/** [deleteWhen] Local hours in which expired segments are deleted, joined by `;`: at night the disk has time. */
export const DELETE_WHEN = '04';

/** [diskMaxUsedSpaceRatio] A disk fuller than this: expired segments go at any hour. */
export const DISK_MAX_USED_SPACE_RATIO = 75;

/** [diskSpaceCleanForciblyRatio] A disk fuller than this: the oldest segments go, expired or not. */
export const DISK_SPACE_CLEAN_FORCIBLY_RATIO = 85;

/** [diskSpaceWarningLevelRatio] A disk fuller than this: no message is taken, so that queues, index and database can still be written. */
export const DISK_SPACE_WARNING_LEVEL_RATIO = 90;

/** [cleanResourceInterval] How often the age of segments and the disk are looked at. */
export const CLEAN_RESOURCE_INTERVAL_MS = 10_000;

/** [deleteCommitLogFilesInterval] Pause behind each deleted segment: giving 1 GiB back keeps a disk busy. */
export const DELETE_COMMIT_LOG_FILES_INTERVAL_MS = 100;

/** [deleteConsumeQueueFilesInterval] Pause behind each deleted consume queue file. */
export const DELETE_CONSUME_QUEUE_FILES_INTERVAL_MS = 100;

/** [deleteFileBatchMax] Segments deleted at most each time. */
export const DELETE_FILE_BATCH_MAX = 10;

/** [destroyMapedFileIntervalForcibly] A file that somebody still reads is deleted after this long all the same. */
export const DESTROY_FILE_FORCIBLY_MS = 120_000;

/** How often a file that somebody reads is looked at again. Reads take milliseconds. */
export const BUSY_FILE_CHECK_MS = 20;

/** Runs that one manual deletion lasts at most (RocketMQ's MAX_MANUAL_DELETE_FILE_TIMES). */
export const MANUAL_DELETE_RUNS = 20;

/** Queues looked at in one go for their new minimum offset, so that 40,000 of them don't stop the event loop. */
export const QUEUE_CLEAN_SLICE_MS = 4;

/** [maxHashSlotNum] 20 MB of slots in each index file. */
export const MAX_HASH_SLOT_NUM = 5_000_000;

/** [maxIndexNum] 400 MB of entries in each index file: the keys of about ten million messages. */
export const MAX_INDEX_NUM = 20_000_000;

/** [maxMsgsNumBatch] Messages that one query by key returns at most. */
export const MAX_MSGS_NUM_BATCH = 64;

/** How long the keys of a message may wait for the index; a query brings it up to date by itself. */
export const INDEX_INTERVAL_MS = 200;

/** ... or until so much log waits: it is read while it still is in the processor's and the tail cache. */
export const INDEX_WAKE_BYTES = 4 * MIB;

/** Keys put into the index in one go: about half a millisecond of the event loop. */
export const INDEX_BATCH_KEYS = 2_048;

/** Log gone over in one go, for messages without keys or with large bodies. */
export const INDEX_SLICE_BYTES = 4 * MIB;

/** One read of older log, while the index is made again. */
export const INDEX_READ_BYTES = MIB;

/** Entries gathered before they are written: 320 KiB. */
export const INDEX_BUFFER_ENTRIES = 16_384;

/** A query waits for the index when it lacks no more than this: a fraction of a second. Beyond it the index is being made again. */
export const INDEX_CATCH_UP_BYTES = 64 * MIB;

/** Progress of an index that is made again is logged after each such piece. */
export const INDEX_PROGRESS_BYTES = 1024 * MIB;

/** After a failed read or write the index is opened again after this time. */
export const INDEX_RETRY_MS = 5_000;

/** Each further failure doubles that pause, up to this. */
export const INDEX_MAX_RETRY_MS = 60_000;

/** Entries that one query by key looks at: chains are a few entries long, unless very many messages have one key. */
export const INDEX_QUERY_MAX_STEPS = 1_000_000;

/** How long one query by key may take: clients wait 5 to 18 s. */
export const INDEX_QUERY_MAX_MS = 4_000;

/** Records that one query by key returns at most: a frame has 16 MiB. */
export const QUERY_MAX_BYTES = 15 * MIB;

/** Queries by key that run at a time: each holds up to a response and 1.3 MB of index. */
export const MAX_CONCURRENT_QUERIES = 8;

/** Queries by key that wait at most; further ones are refused. */
export const MAX_WAITING_QUERIES = 1_000;

/** The largest record that is taken from a master: a frame of the remoting protocol, and so a body, has 16 MiB at most. */
export const MAX_RAW_RECORD_BYTES = 17 * MIB;

/** Messages that pulls must leave out because they are damaged are reported at most this often. */
export const UNREADABLE_REPORT_MS = 60_000;

/** Size of a file of the timer log: 2 million messages that wait (RocketMQ: mappedFileSizeTimerLog). */
export const TIMER_LOG_FILE_BYTES = 100 * MIB;

/** How often the timer's files are brought to stable storage (RocketMQ: timerFlushIntervalMs). */
export const TIMER_FLUSH_INTERVAL_MS = 1_000;

/** When its files cannot be written, that interval doubles with each failure, up to this. */
export const TIMER_MAX_RETRY_MS = 30_000;

/** Messages due later than in 2 days are stored anew then (RocketMQ: timerRollWindowSlot). */
export const TIMER_ROLL_WINDOW_MS = 2 * 24 * 3_600_000;

/** Messages due in one second: past it some are refused, past twice as many all. What is due soon is in memory, 40 bytes each. RocketMQ has no limit by default. */
export const TIMER_CONGEST_NUM_EACH_SLOT = 1_000_000;

/** Seconds of messages are read this long before their time. */
export const TIMER_READ_AHEAD_MS = 1_000;

/** No further second is taken into memory while so many messages wait there: after a long stop all of them are due at once. */
export const TIMER_MAX_LOADED = 200_000;

/** Messages that are delivered together, and their bytes. */
export const TIMER_DELIVERY_BATCH_MESSAGES = 512;
export const TIMER_DELIVERY_BATCH_BYTES = 8 * MIB;

/** Units of a chain that are read before sockets are served. */
export const TIMER_CHAIN_SLICE = 1_024;

/** Pause after a failed read or write of the timer; then the same is tried again. */
export const TIMER_RETRY_MS = 100;

/** Messages of the timer topic that get their units in one turn, and its length: far more come in at once than one read gives (32). */
export const TIMER_READ_MESSAGES = 1_024;
export const TIMER_READ_TURN_MS = 4;

/**
 * How far behind what a master says to be delivered nothing is taken for granted: what is due since is looked for in the log. More than lies between the
 * arrival of a message and its unit, and more than clocks of machines differ.
 */
export const TIMER_MARGIN_MS = 60_000;

/** A piece of the log that is looked through before sockets are served. */
export const SCAN_PIECE_BYTES = 1024 * 1024;

/** Files of the timer log that only lead to deleted messages go this often. */
export const TIMER_CLEAN_INTERVAL_MS = 30_000;
