import type { IndexStats } from './index-file/index-service.js';

/** Wire text of properties as a part of other bytes, with more of it to come behind: so that nobody needs to join them first. */
export interface PropertyBytes {
  readonly view: DataView;
  readonly start: number;
  readonly end: number;
  /** Follows at once: the text before must end with its separator. */
  readonly suffix: DataView;
}

/**
 * One message to store. `properties` is the wire text (`key 0x01 value 0x02 ...`), as text or as UTF-8 bytes; the store keeps it as it is.
 * Everything is copied before `putMessage` returns: the object and its buffers may be used again then.
 */
export interface PutMessage {
  readonly topic: string;
  readonly queueId: number;
  readonly flag: number;
  /** The host bits are set by the store, from the length of the host bytes. */
  readonly sysFlag: number;
  readonly bornTimestamp: number;
  /** ip + int32 port: 8 bytes, or 20 for IPv6. */
  readonly bornHost: Buffer;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
  readonly body: Buffer;
  readonly properties: string | Buffer | PropertyBytes;
  /** The hash of TAGS; ignored for the schedule topic, whose entries carry the deliver time. */
  readonly tagsCode: number;
  /** False: the put does not wait for fdatasync in SYNC_FLUSH. */
  readonly waitStoreOk: boolean;
}

/** What the messages of one batch have of their own. */
export interface PutBatchItem {
  readonly flag: number;
  readonly body: Buffer;
  readonly properties: string | Buffer;
}

/** Several messages for one queue, stored in one segment one behind the other, or not at all. */
export interface PutBatch {
  readonly topic: string;
  readonly queueId: number;
  readonly sysFlag: number;
  readonly bornTimestamp: number;
  readonly bornHost: Buffer;
  readonly reconsumeTimes: number;
  readonly waitStoreOk: boolean;
  readonly items: readonly PutBatchItem[];
}

/** RocketMQ's `PutMessageStatus`, as far as the store itself gives them; replication adds its own. */
export type PutStatus =
  | 'PUT_OK'
  | 'FLUSH_DISK_TIMEOUT'
  | 'FLUSH_SLAVE_TIMEOUT'
  | 'SLAVE_NOT_AVAILABLE'
  | 'IN_SYNC_REPLICAS_NOT_ENOUGH'
  | 'SERVICE_NOT_AVAILABLE'
  | 'CREATE_MAPPED_FILE_FAILED'
  | 'MESSAGE_ILLEGAL'
  | 'PROPERTIES_SIZE_EXCEEDED'
  | 'OS_PAGE_CACHE_BUSY'
  | 'UNKNOWN_ERROR';

/** Only with `PUT_OK` and the `FLUSH_*` statuses is the message stored; then offsets and time are what the record holds. */
export interface PutResult {
  readonly status: PutStatus;
  /** Of the first message. */
  readonly queueOffset: number;
  /** Of the first message. */
  readonly physicalOffset: number;
  readonly storeTimestamp: number;
  readonly messageCount: number;
  /** ip + int32 port of this broker, as the record has it; empty when it was refused. */
  readonly storeHost: Buffer;
  /** Stored bytes of all messages together. */
  readonly sizeBytes: number;
  /** Why it was refused, for a human; undefined when it was stored. */
  readonly reason: string | undefined;
  /** Memory that holds the stored record (the first one of a batch) at {@link recordAt}; only within the callback. Empty when it was refused. */
  readonly recordView: DataView;
  readonly recordAt: number;
  /** The server message ids, comma-joined for a batch. */
  offsetMsgIds(): string;
}

export type PutDone = (result: PutResult) => void;

/** RocketMQ's `GetMessageStatus`. */
export type GetStatus =
  | 'FOUND'
  | 'NO_MATCHED_MESSAGE'
  | 'MESSAGE_WAS_REMOVING'
  | 'OFFSET_FOUND_NULL'
  | 'OFFSET_OVERFLOW_BADLY'
  | 'OFFSET_OVERFLOW_ONE'
  /** Never the store's own: an administrator moved the group. */
  | 'OFFSET_RESET'
  | 'OFFSET_TOO_SMALL'
  | 'NO_MATCHED_LOGIC_QUEUE'
  | 'NO_MESSAGE_IN_QUEUE';

export interface GetRequest {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly maxMessages: number;
  /** Default 128 MiB; RocketMQ's own batch limits (256 KiB, or 64 KiB from disk) hold in any case. */
  readonly maxBytes?: number;
  /** Called with the tagsCode of each entry; absent: every message matches. */
  readonly matches?: (tagsCode: number) => boolean;
  /**
   * Called with each record whose entry matches: the record stands at `at` of the bytes, which are valid within the call only. A read with such a filter may
   * take several turns of the event loop, and looks at a bounded part of the queue.
   */
  readonly matchesRecord?: (bytes: Buffer, at: number, sizeBytes: number) => boolean;
  /**
   * Gives memory for the records, so that they are copied but once. Called at most once, within `getMessage` and right before it returns; not called when
   * nothing was found, or when the disk must be waited for: then the records are in the result.
   */
  readonly place?: (sizeBytes: number) => RecordPlace | undefined;
}

/** Where records go, `sizeBytes` of them at most. */
export interface RecordPlace {
  readonly bytes: Buffer;
  readonly at: number;
}

export interface GetResult {
  readonly status: GetStatus;
  readonly nextBeginOffset: number;
  readonly minOffset: number;
  readonly maxOffset: number;
  /**
   * Stored records in queue order, as slices of the log: their concatenation is the body of a pull response. Records that lie one
   * behind the other share one slice, so there may be fewer slices than messages. Never write into them. Empty when they were put
   * in their `place`.
   */
  readonly records: readonly Buffer[];
  readonly messageCount: number;
  readonly sizeBytes: number;
  /** The last entry that was looked at is no longer among recent data (RocketMQ's 40 % of memory rule). */
  readonly suggestPullingFromSlave: boolean;
}

/** One consume queue entry. */
export interface ConsumeQueueEntry {
  readonly physicalOffset: number;
  readonly sizeBytes: number;
  readonly tagsCode: number;
}

export type OffsetBoundary = 'LOWER' | 'UPPER';

export type FlushDiskType = 'ASYNC_FLUSH' | 'SYNC_FLUSH';

/** Where the store writes what a human may want to know. Nest's `Logger` fits. */
export interface StoreLogger {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface StoreStats {
  /** Messages stored since the start. */
  readonly putMessages: number;
  /** Bytes of records stored since the start. */
  readonly putBytes: number;
  /** Puts that were refused or failed since the start. */
  readonly failedPuts: number;
  /** Writes of the log since the start: `putMessages / commits` is what group commit gathers. */
  readonly commits: number;
  readonly flushes: number;
  readonly minPhysicalOffset: number;
  /** End of what was written. */
  readonly maxPhysicalOffset: number;
  /** End of what fdatasync covered. */
  readonly flushedPhysicalOffset: number;
  /** Bytes of log that consumers cannot see yet. */
  readonly dispatchBehindBytes: number;
  /** Bytes that wait for the next write. */
  readonly bufferedBytes: number;
  readonly pendingAppends: number;
  readonly tailCacheBytes: number;
  readonly readCacheBytes: number;
  readonly openFiles: number;
  readonly queues: number;
  /** Memory of the queue entries that are held for writers, and for readers of the tail. */
  readonly queueTailBytes: number;
  /** Where recovery would start if the process died now. */
  readonly checkpointPhysicalOffset: number;
  /** Why the last checkpoint could not be taken, or undefined. Messages are taken and read all the same; a start would read more of the log. */
  readonly checkpointFailure: string | undefined;
  /** The index by key; undefined when none is kept. */
  readonly index: IndexStats | undefined;
  /** Why the store takes no messages, or undefined. */
  readonly notWritable: string | undefined;
}
