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

/** The time slice of one pass over queues to write, so that 40,000 queues don't stop the event loop. */
export const CONSUME_QUEUE_FLUSH_SLICE_MS = 4;

/** A checkpoint is taken this often while the store is written to. Recovery after a crash starts at the last one. */
export const CHECKPOINT_INTERVAL_MS = 10_000;

/** ... or after so many bytes of log, whichever is first: about half a second of recovery. */
export const CHECKPOINT_LOG_BYTES = 256 * MIB;

/** Recently written log kept in memory at most; pulls of the tail are slices of it. */
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

/** One block: large enough that a system call is nothing for each message, small enough to read on the event loop (about 40 us). */
export const READ_BLOCK_BYTES = 256 * KIB;

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

/** [messageDelayLevel] Delay of each level in ms, level 1 first: 1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h. */
export const DELAY_LEVELS_MS: readonly number[] = [
  1_000, 5_000, 10_000, 30_000, 60_000, 120_000, 180_000, 240_000, 300_000, 360_000, 420_000, 480_000, 540_000, 600_000,
  1_200_000, 1_800_000, 3_600_000, 7_200_000,
];

/** First read of a record whose size is not known yet: most records are smaller. */
export const RECORD_HEAD_READ_BYTES = 4 * KIB;

/** Queue entries that may wait in memory while their files cannot be written: 800,000 messages. Past it no message is taken. */
export const MAX_UNWRITTEN_QUEUE_BYTES = 16 * MIB;
