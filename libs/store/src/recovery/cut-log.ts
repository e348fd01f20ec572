import type { SegmentList } from '../commit-log/segment-list.js';
import { StoreError } from '../errors.js';
import { syncData } from '../io/durable.js';
import type { HandlePool } from '../io/handle-pool.js';

/**
 * Takes everything from an offset on out of the log: what a master wrote that the group did not take over. The cut is on stable storage when this
 * resolves; a crash on the way leaves a part of what was to be cut, never a hole.
 *
 * @returns whether the log went further than that.
 * @throws StoreError STORE_LOG_CUT when the log does not begin before the offset.
 */
export async function cutLog(segments: SegmentList, handles: HandlePool, physicalOffset: number): Promise<boolean> {
  if (segments.first === undefined) return false;
  if (physicalOffset < segments.minOffset)
    throw new StoreError(
      'STORE_LOG_CUT',
      `The log cannot be cut at offset ${physicalOffset}: it begins at ${segments.minOffset}. Move the store folder away: the member begins anew.`,
      { physicalOffset, minOffset: segments.minOffset },
    );
  const segment = segments.at(physicalOffset);
  if (segment === undefined) return false;
  segments.removeFrom(segment.endOffset);
  const file = handles.open(segment.path);
  file.truncate(physicalOffset - segment.startOffset);
  file.truncate(segment.sizeBytes);
  await syncData(file);
  return true;
}
