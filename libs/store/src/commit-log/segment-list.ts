import { join } from 'node:path';
import { StoreError } from '../errors.js';
import { offsetFileName, parseOffsetFileName } from '../io/file-name.js';
import type { FileSystem } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFullySync } from '../io/transfer.js';
import { LogSegment } from './log-segment.js';

/**
 * The files of the commit log, oldest first, without gaps: `commitlog/<20-digit start offset>`, each of the full size from the
 * start (RocketMQ's MappedFileQueue). The size is set with `ftruncate`, so an empty segment takes no disk space; zeros may be
 * written ahead here once that pays (docs/internals/store.md has the figures).
 */
export class SegmentList {
  private segments: LogSegment[] = [];

  constructor(
    readonly folder: string,
    readonly segmentSizeBytes: number,
    private readonly fileSystem: FileSystem,
    private readonly handles: HandlePool,
  ) {}

  get all(): readonly LogSegment[] {
    return this.segments;
  }

  get first(): LogSegment | undefined {
    return this.segments[0];
  }

  get last(): LogSegment | undefined {
    return this.segments.at(-1);
  }

  /** Start of the oldest segment: the smallest physical offset that can be read. */
  get minOffset(): number {
    return this.segments.length === 0 ? 0 : this.segments[0].startOffset;
  }

  /** The segment that holds the offset, or undefined. */
  at(physicalOffset: number): LogSegment | undefined {
    const first = this.segments.length === 0 ? undefined : this.segments[0];
    if (first === undefined || physicalOffset < first.startOffset) return undefined;
    const index = Math.floor((physicalOffset - first.startOffset) / this.segmentSizeBytes);
    return index < this.segments.length ? this.segments[index] : undefined;
  }

  /**
   * Reads the folder. A file that is too short (a power loss between its creation and its first sync, or a cut tail) is brought
   * to its size when no later file holds anything; what it lacks then reads as zeros, and recovery finds the end before them. Throws `STORE_SEGMENT_MISSING` for a gap and `STORE_SEGMENT_SIZE` for any other size than the configured one.
   *
   * @param unflushedFrom the machine went down, and lost what it liked from this offset on, names of files included: then files behind a gap go
   * @returns lines about what was mended.
   */
  load(unflushedFrom = Infinity): string[] {
    const notes: string[] = [];
    const starts: number[] = [];
    for (const entry of this.fileSystem.list(this.folder)) {
      const start = parseOffsetFileName(entry.name);
      if (start !== undefined && !entry.isFolder) starts.push(start);
    }
    starts.sort((a, b) => a - b);
    this.removeBehindGap(starts, unflushedFrom, notes);
    this.checkRow(starts);
    this.segments = starts.map((start) => {
      const segment = new LogSegment(start, this.segmentSizeBytes, this.pathOf(start));
      segment.nameDurable = true;
      return segment;
    });
    let laterHoldsData = false;
    for (let i = this.segments.length - 1; i >= 0; i--) {
      const note = this.checkSize(this.segments[i], laterHoldsData, unflushedFrom);
      if (note !== undefined) notes.push(note);
      laterHoldsData ||= this.holdsData(this.segments[i]);
    }
    return notes;
  }

  /** Makes the segment that starts at `startOffset`, which must be the next one (or the first of all). Throws what the file system throws. */
  create(startOffset: number): LogSegment {
    const segment = new LogSegment(startOffset, this.segmentSizeBytes, this.pathOf(startOffset));
    try {
      this.handles.open(segment.path, { create: true }).truncate(this.segmentSizeBytes);
    } catch (error) {
      this.handles.forget(segment.path);
      throw error;
    }
    this.segments.push(segment);
    return segment;
  }

  /** The segment at `startOffset`, made when it is the one behind the last. */
  ensure(startOffset: number): LogSegment {
    return this.at(startOffset) ?? this.create(startOffset);
  }

  /** Removes every segment that starts at `physicalOffset` or behind it. */
  removeFrom(physicalOffset: number): void {
    while (this.segments.length > 0 && this.segments[this.segments.length - 1].startOffset >= physicalOffset) {
      const segment = this.segments.pop();
      if (segment === undefined) return;
      segment.removed = true;
      this.handles.forget(segment.path);
      this.fileSystem.remove(segment.path);
    }
  }

  /** Takes the oldest segment out of the row: the log starts behind it from now on. The caller removes its file once nobody reads it any more. */
  takeFirst(): LogSegment | undefined {
    if (this.segments.length < 2) return undefined;
    const segment = this.segments.shift();
    if (segment !== undefined) segment.removed = true;
    return segment;
  }

  private pathOf(startOffset: number): string {
    return join(this.folder, offsetFileName(startOffset));
  }

  private removeBehindGap(starts: number[], unflushedFrom: number, notes: string[]): void {
    const gap = starts.findIndex((start, i) => i > 0 && start !== starts[i - 1] + this.segmentSizeBytes);
    if (gap < 0 || starts[gap - 1] + this.segmentSizeBytes < unflushedFrom) return;
    for (const start of starts.splice(gap)) {
      this.fileSystem.remove(this.pathOf(start));
      notes.push(`${this.pathOf(start)} was removed: the power loss took a file before it, behind the last flush`);
    }
  }

  private checkRow(starts: readonly number[]): void {
    for (let i = 0; i < starts.length; i++) {
      if (starts[i] % this.segmentSizeBytes !== 0) throw this.sizeError(this.pathOf(starts[i]), undefined);
      if (i === 0 || starts[i] === starts[i - 1] + this.segmentSizeBytes) continue;
      const missing = this.pathOf(starts[i - 1] + this.segmentSizeBytes);
      throw new StoreError(
        'STORE_SEGMENT_MISSING',
        `The commit log lacks ${missing}, between ${offsetFileName(starts[i - 1])} and ${offsetFileName(starts[i])}. ` +
          'Put the file back from a backup. Without one, the messages in it are lost; "rocknest store repair" makes the log readable without them.',
        { missing, before: starts[i - 1], after: starts[i] },
      );
    }
  }

  /** A segment that was only prepared starts with zeros. */
  private holdsData(segment: LogSegment): boolean {
    const head = Buffer.alloc(8);
    readFullySync(this.handles.open(segment.path), head, 0, head.length, 0);
    return head.some((byte) => byte !== 0);
  }

  private checkSize(segment: LogSegment, laterHoldsData: boolean, unflushedFrom: number): string | undefined {
    const file = this.handles.open(segment.path);
    const { sizeBytes } = file.stat();
    if (sizeBytes === segment.sizeBytes) return undefined;
    const isDamaged = laterHoldsData && segment.startOffset + sizeBytes < unflushedFrom;
    if (sizeBytes > segment.sizeBytes || isDamaged) throw this.sizeError(segment.path, sizeBytes);
    file.truncate(segment.sizeBytes);
    return `${segment.path} had ${sizeBytes} bytes instead of ${segment.sizeBytes}: extended with zeros`;
  }

  private sizeError(path: string, sizeBytes: number | undefined): StoreError {
    const what = sizeBytes === undefined ? 'does not start at a multiple of' : `has ${sizeBytes} bytes, which is not`;
    return new StoreError(
      'STORE_SEGMENT_SIZE',
      `${path} ${what} the configured segment size of ${this.segmentSizeBytes} bytes. Set mappedFileSizeCommitLog to the size the ` +
        'store was made with; if only this file differs, it is damaged: put it back from a backup, or let "rocknest store repair" mend it.',
      { path, sizeBytes, segmentSizeBytes: this.segmentSizeBytes },
    );
  }
}
