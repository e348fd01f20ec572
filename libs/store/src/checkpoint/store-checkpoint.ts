import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { IndexPoint } from '../index-file/index-recovery.js';
import { syncData, syncFolder } from '../io/durable.js';
import { atPath, type FileSystem, mayLosePages, type StoreFile } from '../io/file-system.js';
import { replaceFile } from '../io/replace-file.js';
import { readFullySync, writeAll, writeFullySync } from '../io/transfer.js';

export const CHECKPOINT_BYTES = 4096;

/** RocketMQ subtracts this from its time stamps, which are taken before the files they speak of are flushed. */
const TIMESTAMP_SLACK_MS = 3_000;

/** The year 2200: no record was stored later. */
const MAX_TIMESTAMP_MS = 7_258_118_400_000;

/** Where our part stands: RocketMQ's builds read and write the first 40 bytes only. */
const EXTENSION_AT = 2048;
const EXTENSION_BYTES = 64;
/** Version 1 told nothing of the index. */
const EXTENSION_V1_BYTES = 48;
/** CRC of RocketMQ's part: another value means that RocketMQ has written the page since, and that ours is out of date. */
const TIMES_CRC_AT = EXTENSION_AT + 56;
const TIMES_BYTES = 40;
/** Behind the extension: where the log began, and a CRC of that. */
const LOG_START_AT = EXTENSION_AT + EXTENSION_BYTES;
/** "RNCP". */
const EXTENSION_MAGIC = 0x524e4350;
const EXTENSION_VERSION = 2;

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
  /** Where the index files stand; undefined when they were never kept. */
  readonly index?: IndexPoint | undefined;
  /** Physical offset at which the log began: files that are missing at its start are noticed. */
  readonly logStartOffset?: number | undefined;
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
  /** Undefined when the file is missing, damaged, or was written by RocketMQ since. */
  point: RecoveryPoint | undefined = undefined;
  /** The file existed. */
  found = false;
  /** Why nothing of the file can be believed; undefined when it can, or when there is none. */
  damage: string | undefined = undefined;
  private file: StoreFile | undefined = undefined;
  /** What was saved last, or loaded. */
  private saved: { times: CheckpointTimes; point: RecoveryPoint | undefined } = { times: this.times, point: undefined };
  /** What was written to the file may not be on the disk, whatever an fdatasync says. */
  private isDoubted = false;

  constructor(
    readonly path: string,
    private readonly fileSystem: FileSystem,
  ) {}

  /** @param wasOurs the last run was ours: then a part of the page that fits no other was torn by a power loss, not written by RocketMQ */
  load(wasOurs = false): void {
    this.found = this.fileSystem.stat(this.path) !== undefined;
    this.decode(this.open(), wasOurs);
  }

  /** The same, but makes no file when there is none, and leaves none open. */
  peek(): void {
    this.found = this.fileSystem.stat(this.path) !== undefined;
    if (!this.found) return;
    const file = this.fileSystem.open(this.path);
    try {
      this.decode(file);
    } finally {
      file.close();
    }
  }

  private decode(file: StoreFile, wasOurs = false): void {
    const bytes = Buffer.alloc(CHECKPOINT_BYTES);
    const length = readFullySync(file, bytes, 0, bytes.length, 0);
    this.times = {
      physicMsgTimestamp: Number(bytes.readBigInt64BE(0)),
      logicsMsgTimestamp: Number(bytes.readBigInt64BE(8)),
      indexMsgTimestamp: Number(bytes.readBigInt64BE(16)),
      masterFlushedOffset: Number(bytes.readBigInt64BE(24)),
      confirmPhyOffset: Number(bytes.readBigInt64BE(32)),
    };
    this.point = readPoint(bytes, wasOurs);
    this.damage = this.found ? this.findDamage(bytes, length) : undefined;
    if (this.damage !== undefined) this.point = undefined;
    this.saved = { times: this.times, point: this.point };
  }

  /** The next save makes the file anew, on other blocks of the disk: on ext4 what is written over blocks whose write-back failed does not last. */
  doubt(): void {
    this.isDoubted = true;
  }

  private findDamage(bytes: Buffer, length: number): string | undefined {
    if (length < CHECKPOINT_BYTES) return `it has ${length} bytes`;
    const hasExtension = bytes.subarray(EXTENSION_AT, EXTENSION_AT + EXTENSION_BYTES).some((byte) => byte !== 0);
    if (hasExtension && extensionLength(bytes) === undefined && !isNewer(bytes)) return 'its check sum is wrong';
    const { physicMsgTimestamp, logicsMsgTimestamp } = this.times;
    for (const timestamp of [physicMsgTimestamp, logicsMsgTimestamp]) {
      if (timestamp < 0 || timestamp > MAX_TIMESTAMP_MS) return `it names the time ${timestamp}`;
    }
    return undefined;
  }

  /** Store time up to which log and consume queues are complete (RocketMQ's getMinTimestamp). */
  get minTimestamp(): number {
    const { physicMsgTimestamp, logicsMsgTimestamp } = this.times;
    return Math.max(0, Math.min(physicMsgTimestamp, logicsMsgTimestamp) - TIMESTAMP_SLACK_MS);
  }

  /** Sets what is written next, for a point whose last record was stored at `storeTimestamp`. */
  set(point: RecoveryPoint, storeTimestamp: number, indexMsgTimestamp = this.times.indexMsgTimestamp): void {
    this.point = point;
    this.times = { ...this.times, indexMsgTimestamp };
    if (storeTimestamp > 0) {
      this.times = { ...this.times, physicMsgTimestamp: storeTimestamp, logicsMsgTimestamp: storeTimestamp };
    }
  }

  /**
   * Writes the page and syncs it, off the event loop. Rejects with what the file system says: then all is as the last save left it, here and for whoever
   * recovers, and the next save makes the file anew.
   */
  async save(): Promise<void> {
    const { times, point } = this;
    try {
      if (this.isDoubted) await this.replace();
      else await this.overwrite();
    } catch (error) {
      this.times = this.saved.times;
      this.point = this.saved.point;
      throw atPath(this.path, error as Error);
    }
    this.isDoubted = false;
    this.saved = { times, point };
  }

  private async overwrite(): Promise<void> {
    const file = this.open();
    try {
      await writeAll(file, this.encode(), 0, CHECKPOINT_BYTES, 0);
    } catch (error) {
      this.isDoubted = mayLosePages(error);
      throw error;
    }
    this.isDoubted = true;
    await syncData(file);
  }

  private async replace(): Promise<void> {
    const page = this.encode();
    await replaceFile(this.fileSystem, this.path, CHECKPOINT_BYTES, (file) =>
      writeAll(file, page, 0, CHECKPOINT_BYTES, 0),
    );
    this.close();
    await syncFolder(this.fileSystem, dirname(this.path));
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
  bytes.writeBigInt64BE(BigInt(point.index?.offset ?? -1), EXTENSION_AT + 40);
  bytes.writeBigInt64BE(BigInt(point.index?.entryCount ?? 0), EXTENSION_AT + 48);
  if (point.logStartOffset !== undefined) writeLogStart(bytes, point.logStartOffset);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, TIMES_BYTES)), TIMES_CRC_AT);
  bytes.writeUInt32BE(extensionCrc(bytes, EXTENSION_BYTES), EXTENSION_AT + EXTENSION_BYTES - 4);
}

/** A later version of ours wrote it. */
function isNewer(bytes: Buffer): boolean {
  return (
    bytes.readUInt32BE(EXTENSION_AT) === EXTENSION_MAGIC && bytes.readInt32BE(EXTENSION_AT + 4) > EXTENSION_VERSION
  );
}

/** Undefined when there is none whose check sum is right. */
function extensionLength(bytes: Buffer): number | undefined {
  if (bytes.readUInt32BE(EXTENSION_AT) !== EXTENSION_MAGIC) return undefined;
  const version = bytes.readInt32BE(EXTENSION_AT + 4);
  if (version !== EXTENSION_VERSION && version !== 1) return undefined;
  const length = version === 1 ? EXTENSION_V1_BYTES : EXTENSION_BYTES;
  return bytes.readUInt32BE(EXTENSION_AT + length - 4) === extensionCrc(bytes, length) ? length : undefined;
}

function readPoint(bytes: Buffer, wasOurs: boolean): RecoveryPoint | undefined {
  const length = extensionLength(bytes);
  if (length === undefined) return undefined;
  const version = length === EXTENSION_V1_BYTES ? 1 : EXTENSION_VERSION;
  const isLatest = version === 1 || bytes.readUInt32BE(TIMES_CRC_AT) === crc32(bytes.subarray(0, TIMES_BYTES));
  if (!isLatest && !wasOurs) return undefined;
  return {
    physicalOffset: Number(bytes.readBigInt64BE(EXTENSION_AT + 8)),
    lastRecordOffset: Number(bytes.readBigInt64BE(EXTENSION_AT + 16)),
    entryCount: Number(bytes.readBigInt64BE(EXTENSION_AT + 24)),
    flushedOffset: Number(bytes.readBigInt64BE(EXTENSION_AT + 32)),
    index: version === 1 ? undefined : readIndexPoint(bytes),
    logStartOffset: readLogStart(bytes),
  };
}

function writeLogStart(bytes: Buffer, logStartOffset: number): void {
  bytes.writeBigInt64BE(BigInt(logStartOffset), LOG_START_AT);
  bytes.writeUInt32BE(crc32(bytes.subarray(LOG_START_AT, LOG_START_AT + 8)), LOG_START_AT + 8);
}

function readLogStart(bytes: Buffer): number | undefined {
  const crc = bytes.readUInt32BE(LOG_START_AT + 8);
  if (crc === 0 || crc !== crc32(bytes.subarray(LOG_START_AT, LOG_START_AT + 8))) return undefined;
  return Number(bytes.readBigInt64BE(LOG_START_AT));
}

function readIndexPoint(bytes: Buffer): IndexPoint | undefined {
  const offset = Number(bytes.readBigInt64BE(EXTENSION_AT + 40));
  return offset < 0 ? undefined : { offset, entryCount: Number(bytes.readBigInt64BE(EXTENSION_AT + 48)) };
}

function extensionCrc(bytes: Buffer, length: number): number {
  return crc32(bytes.subarray(EXTENSION_AT, EXTENSION_AT + length - 4));
}
