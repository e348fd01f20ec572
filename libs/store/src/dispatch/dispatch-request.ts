/** A record of the log that consume queue, index and whatever else hangs on the log must learn of (RocketMQ's DispatchRequest.java). */
export interface DispatchRequest {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly sizeBytes: number;
  /** As the consume queue has it: the hash of TAGS, or the deliver time in the schedule topic. */
  readonly tagsCode: number;
  readonly storeTimestamp: number;
  /** Its transaction bits tell records that have no queue entry (prepared, rollback). */
  readonly sysFlag: number;
  /** Wire text; only within the call, as memory of the log is used again. */
  readonly properties: string | Buffer;
}

/**
 * Something built from the log besides the consume queues. Each record comes at least once, in order; after a crash the ones
 * behind the checkpoint come again, so a dispatcher ignores physical offsets it has already seen.
 */
export interface Dispatcher {
  dispatch(request: DispatchRequest): void;
  /** Makes durable what was dispatched: the checkpoint moves on only when every dispatcher has done so. */
  flush(): Promise<void>;
  /**
   * The log starts at `minPhysicalOffset` now: what was built from messages before it can go. Called once when the store was opened, and after each
   * deletion; the next deletion waits for it. What it throws is logged, and it is called again with the next offset.
   */
  onMinPhysicalOffset?(minPhysicalOffset: number): void | Promise<void>;
}
