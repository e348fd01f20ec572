import type { SegmentList } from '../commit-log/segment-list.js';
import { syncData } from '../io/durable.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFully, writeFully } from '../io/transfer.js';

const PIECE_BYTES = 1024 * 1024;

/**
 * Writes a part of the log once more, byte for byte, and syncs it. After a failed fdatasync the kernel holds pages that it calls clean though the
 * disk does not have them: an fdatasync alone would report success for them. Rejects with what the file system says.
 */
export async function rewriteLog(
  segments: Pick<SegmentList, 'all'>,
  handles: HandlePool,
  fromOffset: number,
  toOffset: number,
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  for (const segment of segments.all) {
    if (segment.endOffset <= fromOffset || segment.startOffset >= toOffset) continue;
    const lease = handles.retain(segment.path);
    try {
      const end = Math.min(segment.sizeBytes, toOffset - segment.startOffset);
      for (let position = Math.max(0, fromOffset - segment.startOffset); position < end;) {
        const length = await readFully(lease.file, buffer, 0, Math.min(PIECE_BYTES, end - position), position);
        if (length === 0) break;
        await write(lease.file, buffer, length, position);
        position += length;
      }
      await syncData(lease.file);
    } finally {
      lease.release();
    }
  }
}

function write(
  file: Parameters<typeof writeFully>[0],
  buffer: Buffer,
  length: number,
  position: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    writeFully(file, buffer, 0, length, position, (error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}
