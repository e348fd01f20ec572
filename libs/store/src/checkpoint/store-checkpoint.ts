import { crc32 } from 'node:zlib';
import type { FileSystem, StoreFile } from '../io/file-system.js';
import { readFullySync, writeFully, writeFullySync } from '../io/transfer.js';

export const CHECKPOINT_BYTES = 4096;

/** RocketMQ subtracts this from its time stamps, which are taken before the files they speak of are flushed. */
const TIMESTAMP_SLACK_MS = 3_000;

/** Where our part stands: RocketMQ's builds read and write the first 40 bytes only. */
const EXTENSION_AT = 2048;
const EXTENSION_BYTES = 48;
/** "RNCP". */
const EXTENSION_MAGIC = 0x524e4350;
const EXTENSION_VERSION = 1;

/** What RocketMQ keeps in the file (StoreCheckpoint.java), int64 each, at the offsets in brackets. */
export interface CheckpointTimes {
  /** Store time of the last flushed record [0]. */
  readonly physicMsgTimestamp: number;
  /** Store time of the last record in the consume queues [8]. */
  readonly logicsMsgTimestamp: number;
  /** Store time of the last record of a full index file [16]. */
  readonly indexMsgTimestamp: number;
  /** Of replication [24]. */
  readonly masterFlushedOffset: number;
  /** Of replication [32]. */
  readonly confirmPhyOffset: number;
}

/**
 * What recovery starts from, at byte 2048 of the file: RocketMQ's time stamps only name a whole segment, so that a crash would cost
 * the reading of up to 1 GiB and more. All int64 but magic, version and CRC.
 */
export interface RecoveryPoint {
  /** Everything before it is in the log and in the consume queues, on stable storage. */
  readonly physicalOffset: number;
  /** Start of the last record before it, or -1: tells whether the offset still is the end of a record. */
  readonly lastRecordOffset: number;
  /** Entries of all queue files at that point: with fewer, a file is missing. */
  readonly entryCount: number;
  /** Up to here the log was on stable storage: damage before it cannot come from a power loss. */
  readonly flushedOffset: number;
}

/** Reads and writes `checkpoint`. */
export class StoreCheckpoint {
  times: CheckpointTimes = {
    physicMsgTimestamp: 0,
    logicsMsgTimestamp: 0,
    indexMsgTimestamp: 0,
    masterFlushedOffset: 0,
    confirmPhyOffset: 0,
  };
  /** Undefined when the file is missing, damaged, or RocketMQ's own. */
  point: RecoveryPoint | undefined;
  /** The file existed. */
  found = false;
  private file: StoreFile | undefined;

  constructor(
    private readonly path: string,
    private readonly fileSystem: FileSystem,
  ) {}

  load(): void {
    this.found = this.fileSystem.stat(this.path) !== undefined;
    const file = this.open();
    const bytes = Buffer.alloc(CHECKPOINT_BYTES);
    readFullySync(file, bytes, 0, bytes.length, 0);
    this.times = {
      physicMsgTimestamp: Number(bytes.readBigInt64BE(0)),
      logicsMsgTimestamp: Number(bytes.readBigInt64BE(8)),
      indexMsgTimestamp: Number(bytes.readBigInt64BE(16)),
      masterFlushedOffset: Number(bytes.readBigInt64BE(24)),
      confirmPhyOffset: Number(bytes.readBigInt64BE(32)),
    };
    this.point = readPoint(bytes);
  }

  /** Store time up to which log and consume queues are complete (RocketMQ's getMinTimestamp). */
  get minTimestamp(): number {
    const { physicMsgTimestamp, logicsMsgTimestamp } = this.times;
    return Math.max(0, Math.min(physicMsgTimestamp, logicsMsgTimestamp) - TIMESTAMP_SLACK_MS);
  }

  /** Sets what is written next, for a point whose last record was stored at `storeTimestamp`. */
  set(point: RecoveryPoint, storeTimestamp: number): void {
    this.point = point;
    if (storeTimestamp > 0) {
      this.times = { ...this.times, physicMsgTimestamp: storeTimestamp, logicsMsgTimestamp: storeTimestamp };
    }
  }

  /** Writes the page and syncs it, off the event loop. */
  save(): Promise<void> {
    const file = this.open();
    return new Promise((resolve, reject) => {
      writeFully(file, this.encode(), 0, CHECKPOINT_BYTES, 0, (error) => {
        if (error !== undefined) return reject(error);
        file.syncData((syncError) => {
          if (syncError === undefined) resolve();
          else reject(syncError);
        });
      });
    });
  }

  saveSync(): void {
    const file = this.open();
    writeFullySync(file, this.encode(), 0, CHECKPOINT_BYTES, 0);
    file.syncDataSync();
  }

  close(): void {
    this.file?.close();
    this.file = undefined;
  }

  private open(): StoreFile {
    this.file ??= this.fileSystem.open(this.path, { create: true });
    return this.file;
  }

  private encode(): Buffer {
    const bytes = Buffer.alloc(CHECKPOINT_BYTES);
    bytes.writeBigInt64BE(BigInt(this.times.physicMsgTimestamp), 0);
    bytes.writeBigInt64BE(BigInt(this.times.logicsMsgTimestamp), 8);
    bytes.writeBigInt64BE(BigInt(this.times.indexMsgTimestamp), 16);
    bytes.writeBigInt64BE(BigInt(this.times.masterFlushedOffset), 24);
    bytes.writeBigInt64BE(BigInt(this.times.confirmPhyOffset), 32);
    if (this.point !== undefined) writePoint(bytes, this.point);
    return bytes;
  }
}

function writePoint(bytes: Buffer, point: RecoveryPoint): void {
  bytes.writeUInt32BE(EXTENSION_MAGIC, EXTENSION_AT);
  bytes.writeInt32BE(EXTENSION_VERSION, EXTENSION_AT + 4);
  bytes.writeBigInt64BE(BigInt(point.physicalOffset), EXTENSION_AT + 8);
  bytes.writeBigInt64BE(BigInt(point.lastRecordOffset), EXTENSION_AT + 16);
  bytes.writeBigInt64BE(BigInt(point.entryCount), EXTENSION_AT + 24);
  bytes.writeBigInt64BE(BigInt(point.flushedOffset), EXTENSION_AT + 32);
  bytes.writeUInt32BE(extensionCrc(bytes), EXTENSION_AT + EXTENSION_BYTES - 4);
}

function readPoint(bytes: Buffer): RecoveryPoint | undefined {
  if (bytes.readUInt32BE(EXTENSION_AT) !== EXTENSION_MAGIC || bytes.readInt32BE(EXTENSION_AT + 4) !== EXTENSION_VERSION)
    return undefined;
  if (bytes.readUInt32BE(EXTENSION_AT + EXTENSION_BYTES - 4) !== extensionCrc(bytes)) return undefined;
  return {
    physicalOffset: Number(bytes.readBigInt64BE(EXTENSION_AT + 8)),
    lastRecordOffset: Number(bytes.readBigInt64BE(EXTENSION_AT + 16)),
    entryCount: Number(bytes.readBigInt64BE(EXTENSION_AT + 24)),
    flushedOffset: Number(bytes.readBigInt64BE(EXTENSION_AT + 32)),
  };
}

function extensionCrc(bytes: Buffer): number {
  return crc32(bytes.subarray(EXTENSION_AT, EXTENSION_AT + EXTENSION_BYTES - 4));
}
