import { replaceSegment } from '../commit-log/segment-copy.js';
import type { SegmentList } from '../commit-log/segment-list.js';
import { syncFolder } from '../io/durable.js';
import type { FileSystem } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { copyRange } from '../io/replace-file.js';

/**
 * Writes the segments with a part of the log once more, byte for byte, and syncs them. After a failed fdatasync the kernel holds pages that it calls
 * clean though the disk does not have them: an fdatasync alone would report success for them, and on ext4 so would one behind a write to the same
 * place. Hence copies, which take the segments' names. Rejects with what the file system says.
 */
export async function rewriteLog(
  segments: Pick<SegmentList, 'all' | 'folder'>,
  fileSystem: FileSystem,
  handles: HandlePool,
  fromOffset: number,
  toOffset: number,
): Promise<void> {
  for (const segment of segments.all) {
    if (segment.endOffset <= fromOffset || segment.startOffset >= toOffset) continue;
    const end = Math.min(segment.sizeBytes, toOffset - segment.startOffset);
    await replaceSegment(fileSystem, handles, segment, (source, copy) => copyRange(source, copy, 0, end));
  }
  await syncFolder(fileSystem, segments.folder);
}
