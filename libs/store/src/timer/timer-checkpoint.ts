import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { ProtocolError, readInt64, writeInt64 } from '@rocknest/protocol';
import { syncData, syncFolder } from '../io/durable.js';
import { atPath, type FileSystem, mayLosePages, type StoreFile } from '../io/file-system.js';
import { replaceFile } from '../io/replace-file.js';
import { readSmallFile, writeAll } from '../io/transfer.js';

/** RocketMQ maps one page. */
const FILE_BYTES = 4_096;
/** What RocketMQ has, and what GET_TIMER_CHECK_POINT answers. */
const JAVA_BYTES = 56;
/** Our own part: magic, version, the first three numbers of RocketMQ's part again, time and position of the last message delivered, `scanFrom`, `rebuildUntil`, `logStart`, CRC. */
const OWN_AT = 2_048;
const OWN_BYTES = 8 + 8 * 8;
const OWN_MAGIC = 0x524b544d;
const OWN_VERSION = 2;
/** Behind RocketMQ's part, in the same sector: a magic, and a CRC of the first three numbers. While it fits, RocketMQ has not written since. */
const MARK_AT = 64;
const MARK_MAGIC = 0x524b4d4b;
/** `lastReadTimeMs`, `lastTimerLogFlushPos`, `lastTimerQueueOffset`. */
const STATE_BYTES = 24;

/** `scanFrom`: nothing was delivered behind `delivered`. */
export const SCAN_NOTHING = -1;
/** `scanFrom`: what was delivered since the time of `delivered` stands somewhere in the log. */
export const SCAN_BY_TIME = -2;

/** Up to where messages were delivered: all that are due before, and of those due at that ms the ones up to a position of the timer log. */
export interface Delivered {
  readonly dueMs: number;
  readonly position: number;
}

/**
 * The file `config/timercheck`. Follows `store/timer/TimerCheckpoint.java`.
 *
 * RocketMQ knows to the second what was delivered; our part knows it to the message. It counts only while RocketMQ has not written to its own since.
 */
export class TimerCheckpoint {
  /** Slots before this time are done. */
  lastReadTimeMs = 0;
  /** Units before this position are on stable storage, and the wheel knows them. */
  lastTimerLogFlushPos = 0;
  /** Messages of the timer topic before this offset have units there. */
  lastTimerQueueOffset = 0;
  masterTimerQueueOffset = 0;
  readonly dataVersion = { stateVersion: 0, timestamp: 0, counter: 0 };
  delivered: Delivered | undefined = undefined;
  /** Messages that were delivered and are not before `delivered` stand in the commit log from this offset on. */
  scanFrom = SCAN_NOTHING;
  /** Log and wheel are being made again from the topic: what of its messages before this offset was delivered gets no unit. */
  rebuildUntil = 0;
  /** Position of the first unit of the timer log. */
  logStart = 0;
  /** No broker leaves the file like this. */
  isDamaged = false;
  private file: StoreFile | undefined = undefined;
  private saving: Promise<void> = Promise.resolve();
  /** A write or an fdatasync failed: the disk may not have what the file shows. */
  private doubted = false;

  constructor(
    readonly path: string,
    private readonly fileSystem: FileSystem,
  ) {}

  /** Reads the file, if there is one. @returns false when there is none. */
  load(): boolean {
    const bytes = readSmallFile(this.fileSystem, this.path, FILE_BYTES);
    if (bytes === undefined || bytes.length < JAVA_BYTES) return false;
    this.lastReadTimeMs = readInt64(bytes, 0);
    this.lastTimerLogFlushPos = readInt64(bytes, 8);
    this.lastTimerQueueOffset = readInt64(bytes, 16);
    this.masterTimerQueueOffset = readInt64(bytes, 24);
    this.dataVersion.stateVersion = readInt64(bytes, 32);
    this.dataVersion.timestamp = readInt64(bytes, 40);
    this.dataVersion.counter = readInt64(bytes, 48);
    this.loadOwn(bytes);
    if (bytes.length < FILE_BYTES || isLost(bytes)) this.isDamaged = true;
    return true;
  }

  /** The 56 bytes that a slave asks for, with what holds now. */
  encode(lastReadTimeMs: number, masterTimerQueueOffset: number): Buffer {
    const bytes = Buffer.alloc(JAVA_BYTES);
    this.write(bytes);
    writeInt64(bytes, lastReadTimeMs, 0);
    writeInt64(bytes, masterTimerQueueOffset, 24);
    return bytes;
  }

  /**
   * Reads what a master answered.
   *
   * @throws ProtocolError PROTOCOL_BODY for fewer than 56 bytes.
   */
  static decode(bytes: Buffer): { readonly lastReadTimeMs: number; readonly masterTimerQueueOffset: number } {
    if (bytes.length < JAVA_BYTES) {
      throw new ProtocolError('PROTOCOL_BODY', `a timer checkpoint of ${bytes.length} bytes; it has ${JAVA_BYTES}`);
    }
    return { lastReadTimeMs: readInt64(bytes, 0), masterTimerQueueOffset: readInt64(bytes, 24) };
  }

  get isDoubted(): boolean {
    return this.doubted;
  }

  /** What the file shows may not be on the disk: the next save makes it anew. */
  doubt(): void {
    this.doubted = true;
  }

  /** Writes the file, one write after the other; `sync` waits for the disk too. A file that failed is made anew by the next call. */
  save(sync: boolean): Promise<void> {
    const run = this.saving.then(async () => {
      const page = this.encodePage();
      try {
        if (this.doubted) await this.replace(page);
        else await this.overwrite(page, sync);
      } catch (error) {
        throw atPath(this.path, error as Error);
      }
    });
    this.saving = run.catch(() => {});
    return run;
  }

  private async overwrite(page: Buffer, sync: boolean): Promise<void> {
    this.file ??= this.fileSystem.open(this.path, { create: true });
    try {
      await writeAll(this.file, page, 0, FILE_BYTES, 0);
    } catch (error) {
      this.doubted = mayLosePages(error);
      throw error;
    }
    if (!sync) return;
    this.doubted = true;
    await syncData(this.file);
    this.doubted = false;
  }

  /** On other blocks of the disk: what is written over blocks whose write-back failed does not last on ext4. */
  private async replace(page: Buffer): Promise<void> {
    await replaceFile(this.fileSystem, this.path, FILE_BYTES, (file) => writeAll(file, page, 0, FILE_BYTES, 0));
    this.close();
    await syncFolder(this.fileSystem, dirname(this.path));
    this.doubted = false;
  }

  private encodePage(): Buffer {
    const bytes = Buffer.alloc(FILE_BYTES);
    this.write(bytes);
    if (this.delivered === undefined) return bytes;
    bytes.writeInt32BE(OWN_MAGIC, OWN_AT);
    bytes.writeInt32BE(OWN_VERSION, OWN_AT + 4);
    bytes.copy(bytes, OWN_AT + 8, 0, STATE_BYTES);
    bytes.writeUInt32BE(MARK_MAGIC, MARK_AT);
    bytes.writeUInt32BE(crc32(bytes.subarray(0, STATE_BYTES)), MARK_AT + 4);
    writeInt64(bytes, this.delivered.dueMs, OWN_AT + 32);
    writeInt64(bytes, this.delivered.position, OWN_AT + 40);
    writeInt64(bytes, this.scanFrom, OWN_AT + 48);
    writeInt64(bytes, this.rebuildUntil, OWN_AT + 56);
    writeInt64(bytes, this.logStart, OWN_AT + 64);
    bytes.writeUInt32BE(crc32(bytes.subarray(OWN_AT, OWN_AT + OWN_BYTES)), OWN_AT + OWN_BYTES);
    return bytes;
  }

  close(): void {
    this.file?.close();
    this.file = undefined;
  }

  private loadOwn(bytes: Buffer): void {
    if (bytes.length < OWN_AT + OWN_BYTES + 4 || bytes.readInt32BE(OWN_AT) !== OWN_MAGIC) return;
    if (bytes.readInt32BE(OWN_AT + 4) !== OWN_VERSION) return;
    if (bytes.readUInt32BE(OWN_AT + OWN_BYTES) !== crc32(bytes.subarray(OWN_AT, OWN_AT + OWN_BYTES))) {
      this.isDamaged = true;
      return;
    }
    const state = OWN_AT + 8;
    if (bytes.compare(bytes, 0, STATE_BYTES, state, state + STATE_BYTES) !== 0) {
      const isMarked =
        bytes.readUInt32BE(MARK_AT) === MARK_MAGIC &&
        bytes.readUInt32BE(MARK_AT + 4) === crc32(bytes.subarray(0, STATE_BYTES));
      if (!isMarked) {
        // RocketMQ wrote its part since, or we were killed in the middle of it: the log tells what was delivered.
        this.scanFrom = SCAN_BY_TIME;
        return;
      }
      // Half of a write of ours got to the disk. Our part is all of a checkpoint, of this write or of the one before.
      this.lastReadTimeMs = readInt64(bytes, state);
      this.lastTimerLogFlushPos = readInt64(bytes, state + 8);
      this.lastTimerQueueOffset = readInt64(bytes, state + 16);
    }
    this.delivered = { dueMs: readInt64(bytes, OWN_AT + 32), position: readInt64(bytes, OWN_AT + 40) };
    this.scanFrom = readInt64(bytes, OWN_AT + 48);
    this.rebuildUntil = readInt64(bytes, OWN_AT + 56);
    this.logStart = readInt64(bytes, OWN_AT + 64);
  }

  private write(bytes: Buffer): void {
    writeInt64(bytes, this.lastReadTimeMs, 0);
    writeInt64(bytes, this.lastTimerLogFlushPos, 8);
    writeInt64(bytes, this.lastTimerQueueOffset, 16);
    writeInt64(bytes, this.masterTimerQueueOffset, 24);
    writeInt64(bytes, this.dataVersion.stateVersion, 32);
    writeInt64(bytes, this.dataVersion.timestamp, 40);
    writeInt64(bytes, this.dataVersion.counter, 48);
  }
}

/** Zeros where times and positions stand, or something that is not ours where only we write. */
function isLost(bytes: Buffer): boolean {
  if (bytes.every((byte) => byte === 0)) return true;
  const own = bytes.subarray(OWN_AT, OWN_AT + OWN_BYTES + 4);
  return bytes.readInt32BE(OWN_AT) !== OWN_MAGIC && own.some((byte) => byte !== 0);
}
