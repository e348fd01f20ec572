import { join } from 'node:path';
import { ENTRY_BYTES, writeEntry, writeGapEntry } from '../../consume-queue/queue-entry.js';
import type { DispatchRequest } from '../../dispatch/dispatch-request.js';
import { offsetFileName } from '../../io/file-name.js';
import type { FileSystem } from '../../io/file-system.js';
import type { HandlePool } from '../../io/handle-pool.js';
import { writeFullySync } from '../../io/transfer.js';

const BUFFER_ENTRIES = 256;
/** A longer jump of queue offsets begins the queue anew: so many numbers are not filled up. */
const MAX_GAP_FILES = 100;

/** Writes the files of one consume queue from the records of the log, in log order. */
export class QueueRebuilder {
  /** Entries written, fillers included. */
  entries = 0;
  private next = -1;
  private readonly buffer = Buffer.alloc(BUFFER_ENTRIES * ENTRY_BYTES);
  private readonly view = new DataView(this.buffer.buffer, this.buffer.byteOffset, this.buffer.length);
  private buffered = 0;
  private readonly paths = new Set<string>();

  constructor(
    private readonly folder: string,
    private readonly fileEntries: number,
    private readonly fileSystem: FileSystem,
    private readonly handles: HandlePool,
  ) {}

  add({ queueOffset, physicalOffset, sizeBytes, tagsCode }: DispatchRequest): void {
    const gap = queueOffset - this.next;
    const isFirst = this.next < 0;
    if (!isFirst && (gap < 0 || gap > MAX_GAP_FILES * this.fileEntries)) this.restart();
    if (this.next < 0) this.next = queueOffset - (queueOffset % this.fileEntries);
    // RocketMQ fills the space before a queue's first message in its first file, and so does a message that is not in the log.
    while (this.next < queueOffset)
      this.push((at) => {
        writeGapEntry(this.view, at);
      });
    this.push((at) => {
      writeEntry(this.view, at, physicalOffset, sizeBytes, tagsCode);
    });
  }

  /**
   * Brings everything to stable storage.
   *
   * @param floor queue offsets below it are not given out again, though their messages may be gone
   */
  async finish(floor: number): Promise<void> {
    if (this.next < 0 && floor > 0) this.next = floor - 1 - ((floor - 1) % this.fileEntries);
    while (this.next >= 0 && this.next < floor)
      this.push((at) => {
        writeGapEntry(this.view, at);
      });
    this.flush();
    for (const path of this.paths) {
      const lease = this.handles.retain(path);
      await new Promise<void>((resolve, reject) => {
        lease.file.syncData((error) => {
          lease.release();
          if (error === undefined) resolve();
          else reject(error);
        });
      });
    }
  }

  private push(write: (at: number) => void): void {
    if (this.buffered === BUFFER_ENTRIES) this.flush();
    write(this.buffered * ENTRY_BYTES);
    this.buffered++;
    this.next++;
    this.entries++;
  }

  /** The topic was deleted and began anew: what came before is nobody's any more. */
  private restart(): void {
    for (const path of this.paths) {
      this.handles.forget(path);
      this.fileSystem.remove(path);
    }
    this.paths.clear();
    this.next = -1;
    this.buffered = this.entries = 0;
  }

  private flush(): void {
    const first = this.next - this.buffered;
    for (let done = 0; done < this.buffered;) {
      const queueOffset = first + done;
      const start = queueOffset - (queueOffset % this.fileEntries);
      const count = Math.min(this.buffered - done, start + this.fileEntries - queueOffset);
      const path = join(this.folder, offsetFileName(start * ENTRY_BYTES));
      if (!this.paths.has(path)) {
        this.fileSystem.makeFolder(this.folder);
        this.handles.open(path, { create: true }).truncate(this.fileEntries * ENTRY_BYTES);
        this.paths.add(path);
      }
      const position = (queueOffset - start) * ENTRY_BYTES;
      writeFullySync(this.handles.open(path), this.buffer, done * ENTRY_BYTES, count * ENTRY_BYTES, position);
      done += count;
    }
    this.buffered = 0;
  }
}
