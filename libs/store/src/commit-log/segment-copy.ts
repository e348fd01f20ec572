import type { FileSystem, StoreFile } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { replaceFile } from '../io/replace-file.js';
import type { LogSegment } from './log-segment.js';

/**
 * Puts a synced copy in the place of a segment: on other blocks, with other pages of the kernel. Rejects with what the file system says; the
 * segment is then as before. The name is durable once the folder was synced.
 *
 * @param fill writes what the copy is to hold; what it leaves out reads as zeros.
 */
export async function replaceSegment(
  fileSystem: FileSystem,
  handles: HandlePool,
  segment: LogSegment,
  fill: (source: StoreFile, copy: StoreFile) => Promise<void>,
): Promise<void> {
  const source = handles.retain(segment.path);
  try {
    await replaceFile(fileSystem, segment.path, segment.sizeBytes, (copy) => fill(source.file, copy));
  } finally {
    source.release();
  }
  // Who still reads the old file reads the same bytes.
  handles.forget(segment.path);
}
