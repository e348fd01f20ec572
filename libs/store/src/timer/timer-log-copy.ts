import { atPath, type FileSystem, type StoreFile } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { copyRange, replaceFile } from '../io/replace-file.js';
import { readFully } from '../io/transfer.js';
import { BLANK_BYTES, decodeUnit, UNIT_BYTES } from './timer-layout.js';

const PIECE_BYTES = 4_096 * UNIT_BYTES;

/** What was written to the timer log cannot be read any more. */
export class TimerUnitsLostError extends Error {}

export interface TimerLogCopy {
  readonly fileSystem: FileSystem;
  readonly handles: HandlePool;
  readonly path: string;
  readonly fileSizeBytes: number;
  /** Units before it were on stable storage, those from there on are checked. */
  readonly syncedBytes: number;
  /** Units end here. */
  readonly usedBytes: number;
}

/**
 * Makes a file of the timer log anew, synced, on other blocks of the disk: what is written over blocks whose write-back failed does not last on ext4.
 *
 * @throws TimerUnitsLostError, or what the file system throws; the old file stays then.
 */
export async function replaceTimerLogFile(copy: TimerLogCopy): Promise<void> {
  const { fileSystem, handles, path, fileSizeBytes, usedBytes } = copy;
  const source = handles.retain(path);
  try {
    await checkUnits(copy, source.file);
    await replaceFile(fileSystem, path, fileSizeBytes, (file) => copyRange(source.file, file, 0, usedBytes));
  } catch (error) {
    throw error instanceof TimerUnitsLostError ? error : atPath(path, error as Error);
  } finally {
    source.release();
  }
  handles.forget(path);
}

/** What was written since the last good fdatasync must be read as it was written. */
async function checkUnits(copy: TimerLogCopy, source: StoreFile): Promise<void> {
  const { path, fileSizeBytes, syncedBytes, usedBytes } = copy;
  const end = Math.min(usedBytes, fileSizeBytes - BLANK_BYTES);
  const bytes = Buffer.allocUnsafe(PIECE_BYTES);
  for (let position = syncedBytes; position + UNIT_BYTES <= end;) {
    const wanted = Math.min(PIECE_BYTES, end - position);
    const read = await readFully(source, bytes, 0, wanted, position);
    for (let at = 0; at + UNIT_BYTES <= wanted; at += UNIT_BYTES) {
      if (at + UNIT_BYTES <= read && decodeUnit(bytes, at) !== undefined) continue;
      throw new TimerUnitsLostError(`the disk lost a unit of ${path} at ${position + at}`);
    }
    position += wanted - (wanted % UNIT_BYTES);
  }
}
