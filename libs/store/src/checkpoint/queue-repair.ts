import type { RecordDecoder } from '../commit-log/record-check.js';
import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import { ENTRY_BYTES, writeEntry, writeGapEntry } from '../consume-queue/queue-entry.js';
import { hasQueueEntry } from '../dispatch/tags-code.js';
import { errnoOf } from '../io/file-system.js';
import type { LogScanner } from '../recovery/log-scanner.js';
import type { StoreLogger } from '../types.js';
import { type FlushDoubts, QUEUE_DOUBT } from './flush-doubts.js';

export interface QueueRepairOptions {
  /** Entries taken out of the log in one go. */
  readonly maxEntries: number;
}

/** What is known of the log, to make entries again from it. */
export interface RepairSource {
  readonly scanner: Pick<LogScanner, 'scan'>;
  readonly decoder: Pick<RecordDecoder, 'decode'>;
  /** A record starts there; the entries of all records before it are on stable storage. */
  fromOffset(): number;
  /** All records before it have their entries. */
  toOffset(): number;
}

/** The entries of one file of a queue that are to be made again. */
class Piece {
  readonly bytes: Buffer;
  private readonly view: DataView;
  /** Where the record of the last one stands. */
  lastRecordOffset = -1;

  constructor(
    readonly queue: ConsumeQueue,
    readonly fromOffset: number,
    readonly toOffset: number,
  ) {
    this.bytes = Buffer.allocUnsafeSlow((toOffset - fromOffset) * ENTRY_BYTES);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset);
    // Offsets without a record have fillers, as recovery makes them.
    for (let at = 0; at < this.bytes.length; at += ENTRY_BYTES) writeGapEntry(this.view, at);
  }

  /** Of two records with one offset the later counts: the first belongs to a topic that was deleted. */
  set(queueOffset: number, physicalOffset: number, sizeBytes: number, tagsCode: number): void {
    if (queueOffset < this.fromOffset || queueOffset >= this.toOffset) return;
    writeEntry(this.view, (queueOffset - this.fromOffset) * ENTRY_BYTES, physicalOffset, sizeBytes, tagsCode);
    this.lastRecordOffset = physicalOffset;
  }

  /** Nothing else was done to the queue meanwhile. */
  get isCurrent(): boolean {
    const { fromOffset, toOffset } = this.queue.unsynced();
    return !this.queue.deleted && fromOffset === this.fromOffset && toOffset >= this.toOffset;
  }
}

/**
 * Brings consume queues back onto stable storage after a failed fdatasync, or a write that may have taken pages with it: the entries since the last good
 * fdatasync are made again from the log, and go into new files on other blocks of the disk, which take the names of the old ones. Messages are taken and
 * read meanwhile. docs/decisions/0008 tells why the old files are not simply written again.
 */
export class QueueRepair {
  /** Queues in doubt, and from where on the log is read for each. */
  private readonly doubted = new Map<ConsumeQueue, number>();
  private tries = 0;

  constructor(
    private readonly options: QueueRepairOptions,
    private readonly queues: ConsumeQueueStore,
    private readonly source: RepairSource,
    private readonly doubts: FlushDoubts,
    private readonly logger: StoreLogger,
  ) {}

  get isNeeded(): boolean {
    return this.doubted.size > 0;
  }

  /** What was written to the file since the last good fdatasync is not trusted any more. */
  doubt(queue: ConsumeQueue, path: string, error: Error): void {
    if (queue.deleted || this.doubted.has(queue)) return;
    // One line for all queues that a failing disk takes along.
    if (!this.isNeeded) {
      this.doubts.note(QUEUE_DOUBT);
      this.logger.error(
        `${path} could not be brought onto the disk (${error.message}): what was written to it since it last was is made again from the log, in a new file. ` +
          'Messages are taken and read; the checkpoint stays where it is until then',
      );
    }
    queue.isDoubted = true;
    this.doubted.set(queue, this.source.fromOffset());
    this.queues.putBackUnsynced(queue);
  }

  /** Repairs all queues in doubt. Rejects with what the file system says; those that are left are tried with the next call. */
  async run(): Promise<void> {
    if (!this.isNeeded) return;
    this.tries++;
    let files = 0;
    try {
      while (this.isNeeded) files += await this.repairSome();
    } catch (error) {
      const names = [...this.doubted.keys()].slice(0, 3).map(({ files: { folder } }) => folder);
      const more = this.doubted.size > names.length ? ` and ${this.doubted.size - names.length} more` : '';
      throw new Error(
        `try ${this.tries} to bring the consume queues ${names.join(', ')}${more} onto the disk failed: ${(error as Error).message}`,
        { cause: error },
      );
    } finally {
      for (const queue of this.doubted.keys()) queue.isHeld = false;
    }
    this.logger.warn(
      `the consume queues are on the disk again: ${files} files were made anew from the log (try ${this.tries})`,
    );
    this.tries = 0;
    await this.doubts.settle(QUEUE_DOUBT);
  }

  private async repairSome(): Promise<number> {
    const pieces = this.nextPieces();
    if (pieces.length === 0) return 0;
    await this.readLog(pieces);
    for (const piece of pieces) await this.replace(piece);
    return pieces.length;
  }

  /** One file of as many queues as memory has room for, of one queue at least. */
  private nextPieces(): Piece[] {
    const { fileEntries } = this.queues;
    const pieces: Piece[] = [];
    let entries = 0;
    for (const queue of [...this.doubted.keys()]) {
      if (queue.deleted) {
        this.settle(queue);
        continue;
      }
      queue.isHeld = true;
      const { fromOffset, toOffset } = queue.unsynced();
      const fileEnd = queue.files.fileStart(fromOffset) + fileEntries;
      const piece = new Piece(queue, fromOffset, Math.max(fromOffset, Math.min(toOffset, fileEnd)));
      pieces.push(piece);
      entries += piece.toOffset - piece.fromOffset;
      if (entries >= this.options.maxEntries) break;
    }
    return pieces;
  }

  private async readLog(pieces: readonly Piece[]): Promise<void> {
    const { scanner, decoder } = this.source;
    const byName = new Map(pieces.map((piece) => [`${piece.queue.queueId}@${piece.queue.topic}`, piece]));
    const neededFrom = Math.min(...pieces.map(({ queue }) => this.doubted.get(queue) ?? Infinity));
    // A slave's log may have begun anew at a later place.
    const fromOffset = Math.max(neededFrom, this.source.fromOffset());
    const toOffset = this.source.toOffset();
    if (fromOffset >= toOffset || pieces.every((piece) => piece.bytes.length === 0)) return;
    let reached = fromOffset;
    const end = await scanner.scan(fromOffset, (buffer, at, size, offset) => {
      if (offset >= toOffset) return 'all was read';
      const { topic, queueId, queueOffset, physicalOffset, sizeBytes, tagsCode, sysFlag } = decoder.decode(
        buffer,
        at,
        size,
      );
      reached = physicalOffset + sizeBytes;
      if (!hasQueueEntry(sysFlag)) return;
      byName.get(`${queueId}@${topic}`)?.set(queueOffset, physicalOffset, sizeBytes, tagsCode);
    });
    if (reached < toOffset) throw new Error(`the log cannot be read at ${end.physicalOffset}: ${end.reason}`);
  }

  private async replace(piece: Piece): Promise<void> {
    const { queue, bytes, fromOffset, toOffset } = piece;
    try {
      if (await queue.files.replace(fromOffset, bytes, () => piece.isCurrent)) {
        queue.markSynced(toOffset);
        if (piece.lastRecordOffset >= 0) this.doubted.set(queue, piece.lastRecordOffset);
      }
    } catch (error) {
      // The topic was deleted, or the queue began anew: what was in doubt is gone.
      if (errnoOf(error) !== 'ENOENT') throw error;
      this.settle(queue);
    }
    if (queue.deleted || !queue.needsSync) this.settle(queue);
  }

  private settle(queue: ConsumeQueue): void {
    queue.isDoubted = queue.isHeld = false;
    this.doubted.delete(queue);
    this.queues.noteSynced(queue);
  }
}
