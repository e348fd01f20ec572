import { checkRecord } from '../commit-log/record-check.js';
import type { RecordReader } from '../commit-log/record-reader.js';
import type { SegmentList } from '../commit-log/segment-list.js';
import { RECORD_HEAD_READ_BYTES } from '../defaults.js';

/** Reads single records by their physical offset, whatever number it is asked for. */
export class RecordLookup {
  constructor(
    private readonly segments: SegmentList,
    private readonly reader: RecordReader,
    private readonly writtenOffset: () => number,
  ) {}

  /** The whole record that begins at the offset, checked, or undefined when none begins there. */
  async find(physicalOffset: number): Promise<Buffer | undefined> {
    const isInLog = Number.isSafeInteger(physicalOffset) && physicalOffset >= this.segments.minOffset;
    if (!isInLog || physicalOffset >= this.writtenOffset()) return undefined;
    const { segmentSizeBytes } = this.segments;
    const segmentBytes = segmentSizeBytes - (physicalOffset % segmentSizeBytes);
    let wanted = RECORD_HEAD_READ_BYTES;
    for (;;) {
      const bytes = await this.reader.readRaw(physicalOffset, wanted);
      const check = checkRecord(bytes, 0, bytes.length, segmentBytes, physicalOffset);
      if (check.kind === 'record') return bytes.subarray(0, check.sizeBytes);
      if (check.kind !== 'partial' || bytes.length >= check.neededBytes || bytes.length < wanted) return undefined;
      wanted = check.neededBytes;
    }
  }
}
