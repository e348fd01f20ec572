import { ENTRY_BYTES, EntryWindow } from '../consume-queue/queue-entry.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFullySync } from '../io/transfer.js';
import type { SurveyedFile, SurveyedQueue } from './store-survey.js';

/** Pieces begin small, for the many queues that hold little, and grow. Both are whole blocks of a file. */
const FIRST_PIECE_ENTRIES = 1_024;
const MAX_PIECE_ENTRIES = 50 * FIRST_PIECE_ENTRIES;
const BLOCK_BYTES = 4_096;

/** Reads the entries of one queue from whatever files there are. */
export class QueueReader {
  private readonly byStart = new Map<number, SurveyedFile>();
  /** Queue offsets at which files start. */
  readonly starts: readonly number[];
  private piece: Buffer | undefined = undefined;

  constructor(
    readonly queue: SurveyedQueue,
    readonly fileEntries: number,
    private readonly handles: HandlePool,
  ) {
    for (const file of queue.files) {
      if (file.start % (fileEntries * ENTRY_BYTES) === 0) this.byStart.set(file.start / ENTRY_BYTES, file);
    }
    this.starts = [...this.byStart.keys()].sort((a, b) => a - b);
  }

  /** Where an entry stands. */
  place(queueOffset: number): { path: string; position: number } {
    const start = this.fileStart(queueOffset);
    const path = this.byStart.get(start)?.path ?? this.queue.folder;
    return { path, position: (queueOffset - start) * ENTRY_BYTES };
  }

  fileStart(queueOffset: number): number {
    return queueOffset - (queueOffset % this.fileEntries);
  }

  /** Entries from there on, at most `count` and at most to the end of their file; an empty window where there are none. */
  read(queueOffset: number, count: number, buffer: Buffer): EntryWindow {
    const start = this.fileStart(queueOffset);
    const file = this.byStart.get(start);
    let read = 0;
    if (file !== undefined) {
      const wanted = Math.min(count, start + this.fileEntries - queueOffset, Math.floor(buffer.length / ENTRY_BYTES));
      const position = (queueOffset - start) * ENTRY_BYTES;
      const bytes = readFullySync(this.handles.open(file.path), buffer, 0, wanted * ENTRY_BYTES, position);
      read = Math.floor(bytes / ENTRY_BYTES);
    }
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    return new EntryWindow(view, queueOffset, queueOffset + read, 0);
  }

  /**
   * The entries of one file from its start, piece by piece; each window is valid until the next. A queue file has its full size from the
   * start: the hole behind its last entry is not read, as far as the blocks that the file takes tell where it is.
   */
  *windows(start: number): Generator<EntryWindow> {
    const end = start + this.fileEntries;
    let unseenBytes = this.byStart.get(start)?.allocatedBytes ?? 0;
    let pieceEntries = FIRST_PIECE_ENTRIES;
    for (let from = start; from < end;) {
      const wanted = Math.min(pieceEntries, end - from);
      const buffer = this.pieceBuffer(wanted * ENTRY_BYTES);
      const window = this.read(from, wanted, buffer);
      if (window.toOffset === from) return;
      const usedBytes = countUsedBytes(buffer.subarray(0, (window.toOffset - from) * ENTRY_BYTES));
      if (usedBytes === 0 && unseenBytes <= 0) return;
      unseenBytes -= usedBytes;
      yield window;
      from = window.toOffset;
      pieceEntries = Math.min(pieceEntries * 2, MAX_PIECE_ENTRIES);
    }
  }

  private pieceBuffer(sizeBytes: number): Buffer {
    if (this.piece === undefined || this.piece.length < sizeBytes) this.piece = Buffer.allocUnsafeSlow(sizeBytes);
    return this.piece;
  }

  /** Gives the memory of `windows` back. */
  release(): void {
    this.piece = undefined;
  }
}

const ZERO_BLOCK = Buffer.alloc(BLOCK_BYTES);

/** Bytes of the blocks that hold anything. */
function countUsedBytes(bytes: Buffer): number {
  let used = 0;
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = bytes.subarray(at, at + BLOCK_BYTES);
    if (!block.equals(ZERO_BLOCK.subarray(0, block.length))) used += BLOCK_BYTES;
  }
  return used;
}
