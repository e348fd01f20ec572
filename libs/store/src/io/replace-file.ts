import { join } from 'node:path';
import { syncData } from './durable.js';
import type { FileSystem, FolderEntry, StoreFile } from './file-system.js';
import { readFully, writeAll } from './transfer.js';
import { isZeros } from './zeros.js';

const PIECE_BYTES = 1024 * 1024;
/** No file of a store has such a name: who opens it passes copies over, or removes them. */
const COPY_SUFFIX = '.copy';

/** Removes copies in a folder that a killed process did not finish. @param entries what the folder holds. */
export function removeCopies(fileSystem: FileSystem, folder: string, entries: readonly FolderEntry[]): void {
  for (const { name, isFolder } of entries)
    if (!isFolder && name.endsWith(COPY_SUFFIX)) fileSystem.remove(join(folder, name));
}

/**
 * Puts a synced new file in the place of one, or where there was none: on other blocks of the disk, with other pages of the kernel. Rejects with what the file
 * system says; the old file is then as before. The name is durable once the folder was synced. Whoever has the old file open must open it again.
 *
 * @param fill writes what the new file is to hold; what it leaves out reads as zeros.
 * @param isWanted asked when all is written: false leaves the old file in its place.
 * @returns what `isWanted` said.
 */
export async function replaceFile(
  fileSystem: FileSystem,
  path: string,
  sizeBytes: number,
  fill: (file: StoreFile) => Promise<void>,
  isWanted: () => boolean = () => true,
): Promise<boolean> {
  const aside = `${path}${COPY_SUFFIX}`;
  try {
    fileSystem.remove(aside);
    const file = fileSystem.open(aside, { create: true });
    try {
      file.truncate(sizeBytes);
      await fill(file);
      await syncData(file);
    } finally {
      file.close();
    }
    if (isWanted()) {
      fileSystem.rename(aside, path);
      return true;
    }
  } catch (error) {
    removeQuietly(fileSystem, aside);
    throw error;
  }
  removeQuietly(fileSystem, aside);
  return false;
}

/** The first error is the one that tells something. */
function removeQuietly(fileSystem: FileSystem, path: string): void {
  try {
    fileSystem.remove(path);
  } catch {
    // The next start removes it.
  }
}

/** Copies `[from, to)`. Long zeros are left out: the end of a full segment is a hole, which reads the same and takes no space. */
export async function copyRange(source: StoreFile, target: StoreFile, from: number, to: number): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(PIECE_BYTES, to - from)));
  for (let position = from; position < to;) {
    const length = await readFully(source, buffer, 0, Math.min(buffer.length, to - position), position);
    if (length === 0) return;
    if (!isZeros(buffer.subarray(0, length))) await writeAll(target, buffer, 0, length, position);
    position += length;
  }
}
