import { crc32 } from 'node:zlib';
import { ProtocolError, readInt64, writeInt64 } from '@rocknest/protocol';
import { syncData, writeAt } from '../index-file/write-at.js';
import type { FileSystem, StoreFile } from '../io/file-system.js';
import { readSmallFile } from '../io/transfer.js';

/** RocketMQ maps one page. */
const FILE_BYTES = 4_096;
/** What RocketMQ has, and what GET_TIMER_CHECK_POINT answers. */
const JAVA_BYTES = 56;
/** Our own part: magic, version, the first three numbers of RocketMQ's part again, time and position of the last message delivered, `scanFrom`, `rebuildUntil`, `logStart`, CRC. */
const OWN_AT = 2_048;
const OWN_BYTES = 8 + 8 * 8;
const OWN_MAGIC = 0x524b544d;
const OWN_VERSION = 2;

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
  delivered: Delivered | undefined;
  /** Messages that were delivered and are not before `delivered` stand in the commit log from this offset on. */
  scanFrom = SCAN_NOTHING;
  /** Log and wheel are being made again from the topic: what of its messages before this offset was delivered gets no unit. */
  rebuildUntil = 0;
  /** Position of the first unit of the timer log. */
  logStart = 0;
  /** Our part is there, and not as it was written. */
  isDamaged = false;
  private file: StoreFile | undefined;
  private saving: Promise<void> = Promise.resolve();

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

  /** Writes the file, one write after the other; `sync` waits for the disk too. */
  save(sync: boolean): Promise<void> {
    const run = this.saving.then(async () => {
      this.file ??= this.fileSystem.open(this.path, { create: true });
      const bytes = Buffer.alloc(FILE_BYTES);
      this.write(bytes);
      if (this.delivered !== undefined) {
        bytes.writeInt32BE(OWN_MAGIC, OWN_AT);
        bytes.writeInt32BE(OWN_VERSION, OWN_AT + 4);
        bytes.copy(bytes, OWN_AT + 8, 0, 24);
        writeInt64(bytes, this.delivered.dueMs, OWN_AT + 32);
        writeInt64(bytes, this.delivered.position, OWN_AT + 40);
        writeInt64(bytes, this.scanFrom, OWN_AT + 48);
        writeInt64(bytes, this.rebuildUntil, OWN_AT + 56);
        writeInt64(bytes, this.logStart, OWN_AT + 64);
        bytes.writeUInt32BE(crc32(bytes.subarray(OWN_AT, OWN_AT + OWN_BYTES)), OWN_AT + OWN_BYTES);
      }
      await writeAt(this.file, bytes, FILE_BYTES, 0);
      if (sync) await syncData(this.file);
    });
    this.saving = run.catch(() => {});
    return run;
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
    // RocketMQ wrote its part since.
    if (bytes.compare(bytes, 0, 24, OWN_AT + 8, OWN_AT + 32) !== 0) return;
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
