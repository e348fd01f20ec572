import { ENTRY_BYTES, EntryWindow } from '../consume-queue/queue-entry.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFullySync } from '../io/transfer.js';
import type { SurveyedFile, SurveyedQueue } from './store-survey.js';

/** Reads the entries of one queue from whatever files there are. */
export class QueueReader {
  private readonly byStart = new Map<number, SurveyedFile>();
  /** Queue offsets at which files start. */
  readonly starts: readonly number[];

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
}
