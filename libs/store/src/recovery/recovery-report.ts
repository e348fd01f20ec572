/** What opening a store found and did. */
export interface RecoveryReport {
  /** The last run ended properly. */
  readonly cleanStop: boolean;
  /** Only after an unclean stop: the machine itself went down, as far as it can be told. */
  readonly machineRestarted: boolean;
  /** Where the checking of the log began. */
  readonly scannedFromOffset: number;
  readonly scannedRecords: number;
  readonly scannedBytes: number;
  /** End of the log: the next message is stored here. */
  readonly logEndOffset: number;
  /** Bytes behind the end that were not zero and were cut off; 0 when nothing was cut. */
  readonly cutBytes: number;
  /** Records that were new to their consume queue. */
  readonly dispatchedRecords: number;
  /** All consume queues were made again from the log. */
  readonly queuesRebuilt: boolean;
  /** The queues were taken over from the queue table, without a look into their files. */
  readonly queueTableUsed: boolean;
  readonly queues: number;
  readonly durationMs: number;
  /** The same for a human, one thing a line; empty when there is nothing to tell. */
  readonly lines: readonly string[];
}
