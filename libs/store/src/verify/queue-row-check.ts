import { ENTRY_BYTES } from '../consume-queue/queue-entry.js';
import type { LogScanner } from '../recovery/log-scanner.js';
import type { RecordDecoder } from '../commit-log/record-check.js';
import type { Findings } from './finding.js';
import type { DamagedRange, LogWalkResult } from './log-walk.js';
import type { QueueReader } from './queue-reader.js';

/** What the files of one queue hold. */
export interface QueueSummary {
  readonly topic: string;
  readonly queueId: number;
  /** Queue offset of the first message whose record is still in the log. */
  readonly minOffset: number;
  /** Queue offset behind the last entry. */
  readonly maxOffset: number;
  /** The same before the first place where entries lack. */
  readonly rowEnd: number;
  /** Entries that point into the log. */
  readonly messages: number;
  /** Entries of messages that retention removed from the log. */
  readonly expired: number;
  /** Entries that stand for no message. */
  readonly fillers: number;
  /** Entries of messages in damaged parts of the log. */
  readonly lost: number;
}

export interface RowCheckContext {
  readonly log: LogWalkResult & { readonly minOffset: number };
  readonly scanner: LogScanner;
  readonly decoder: RecordDecoder;
  readonly findings: Findings;
  /** The last run did not end properly, or a broker is at work: entries at the end may be behind. */
  readonly mayBeBehind: boolean;
  /** A file of so many bytes was checked. */
  readonly onFile: (bytes: number) => void;
}

const REBUILD = 'the consume queue is made again from the log: rocknest store repair';
/** Of each queue; the rest is counted. */
const MAX_STRAYS_TOLD = 20;

/** Goes over all entries of a queue: is the row whole, does each entry point at its own record? */
export class QueueRowCheck {
  private previousPhysical = -1;
  private holeFrom = -1;
  private firstMessage = -1;
  private lastEntry = -1;
  private rowEnd = -1;
  private messages = 0;
  private inLog = 0;
  private expired = 0;
  private fillers = 0;
  private unordered = 0;
  private lostCount = 0;
  private firstLost = -1;
  private behindEnd = 0;
  private firstBehindEnd = -1;

  constructor(
    private readonly reader: QueueReader,
    private readonly context: RowCheckContext,
  ) {}

  /** @param matched records of the log that found their entry */
  async run(matched: number): Promise<QueueSummary> {
    this.checkFiles();
    for (const start of this.reader.starts) this.checkFile(start);
    this.tellSums();
    if (this.inLog !== matched) await this.findStrays();
    this.reader.release();
    const { topic, queueId } = this.reader.queue;
    const maxOffset = this.lastEntry + 1;
    const minOffset = this.firstMessage < 0 ? maxOffset : this.firstMessage;
    const rowEnd = this.rowEnd < 0 ? maxOffset : this.rowEnd;
    const { messages, expired, fillers, lostCount: lost } = this;
    return { topic, queueId, minOffset, maxOffset, rowEnd, messages, expired, fillers, lost };
  }

  private checkFiles(): void {
    const { queue, fileEntries } = this.reader;
    const fileBytes = fileEntries * ENTRY_BYTES;
    const tell = (path: string, text: string): void => {
      const { topic, queueId } = queue;
      this.context.findings.add({
        kind: 'QUEUE_FILES',
        severity: 'damage',
        path,
        topic,
        queueId,
        text,
        remedy: REBUILD,
      });
    };
    for (const path of queue.foreign) {
      this.context.findings.add({
        kind: 'FOREIGN_FILE',
        severity: 'notice',
        path,
        text: `${path} is no file of a consume queue`,
        remedy: 'it is ignored; move it away',
      });
    }
    queue.files.forEach((file, index) => {
      if (file.start % fileBytes !== 0) return tell(file.path, `the name is no multiple of the file size ${fileBytes}`);
      if (file.sizeBytes !== fileBytes) tell(file.path, `the file has ${file.sizeBytes} bytes instead of ${fileBytes}`);
      const before = queue.files[index - 1] as (typeof queue.files)[number] | undefined;
      if (before !== undefined && file.start !== before.start + fileBytes)
        tell(file.path, `the files between ${before.path} and this one are missing`);
    });
  }

  private checkFile(start: number): void {
    for (const window of this.reader.windows(start)) {
      for (let queueOffset = window.fromOffset; queueOffset < window.toOffset; queueOffset++) {
        const isFiller = window.isGap(queueOffset);
        if (!isFiller && !window.holdsRecord(queueOffset)) {
          if (this.holeFrom < 0) this.holeFrom = queueOffset;
          continue;
        }
        if (this.holeFrom >= 0) this.tellHole(queueOffset);
        this.lastEntry = queueOffset;
        if (isFiller) this.fillers++;
        else this.checkEntry(queueOffset, window.physicalOffset(queueOffset));
      }
    }
    this.context.onFile(this.reader.fileEntries * ENTRY_BYTES);
  }

  private checkEntry(queueOffset: number, physicalOffset: number): void {
    const { minOffset, endOffset } = this.context.log;
    if (physicalOffset < minOffset) {
      this.expired++;
      return;
    }
    if (physicalOffset >= endOffset) {
      this.behindEnd++;
      if (this.firstBehindEnd < 0) this.firstBehindEnd = queueOffset;
      return;
    }
    this.messages++;
    if (this.firstMessage < 0) this.firstMessage = queueOffset;
    if (physicalOffset <= this.previousPhysical) this.unordered++;
    this.previousPhysical = physicalOffset;
    if (damagedAt(this.context.log.damaged, physicalOffset) === undefined) this.inLog++;
    else {
      this.lostCount++;
      if (this.firstLost < 0) this.firstLost = queueOffset;
    }
  }

  private tellHole(endOfHole: number): void {
    const { topic, queueId } = this.reader.queue;
    const queueOffset = this.holeFrom;
    this.holeFrom = -1;
    if (this.rowEnd < 0) this.rowEnd = queueOffset;
    this.context.findings.add({
      kind: 'QUEUE_HOLE',
      severity: 'damage',
      ...this.reader.place(queueOffset),
      topic,
      queueId,
      queueOffset,
      count: endOfHole - queueOffset,
      text: `entries ${queueOffset} to ${endOfHole - 1} of queue ${topic}-${queueId} are empty, entries follow behind them`,
      remedy: REBUILD,
    });
  }

  private tellSums(): void {
    const { findings, mayBeBehind } = this.context;
    const { topic, queueId } = this.reader.queue;
    const name = `queue ${topic}-${queueId}`;
    if (this.lostCount > 0) {
      findings.add({
        kind: 'QUEUE_ENTRY_LOST',
        severity: 'damage',
        ...this.reader.place(this.firstLost),
        topic,
        queueId,
        queueOffset: this.firstLost,
        count: this.lostCount,
        text: `${this.lostCount} messages of ${name}, the first at queue offset ${this.firstLost}, lie in damaged parts of the log`,
        remedy: 'rocknest store repair puts a marked empty message in the place of each',
      });
    }
    if (this.behindEnd > 0) {
      findings.add({
        kind: 'QUEUE_ENTRY_STRAY',
        severity: mayBeBehind ? 'notice' : 'damage',
        ...this.reader.place(this.firstBehindEnd),
        topic,
        queueId,
        queueOffset: this.firstBehindEnd,
        count: this.behindEnd,
        text: `${this.behindEnd} entries of ${name} from ${this.firstBehindEnd} on point behind the end of the log`,
        remedy: 'the next start drops them; the messages they stood for are lost',
      });
    }
    if (this.unordered > 0) {
      findings.add({
        kind: 'QUEUE_ENTRY_WRONG',
        severity: 'damage',
        path: this.reader.queue.folder,
        topic,
        queueId,
        count: this.unordered,
        text: `${this.unordered} entries of ${name} point before the entry in front of them`,
        remedy: REBUILD,
      });
    }
  }

  /** Not all entries were asked for: looks at the record of each to find which. */
  private async findStrays(): Promise<void> {
    const { log, findings } = this.context;
    const { topic, queueId } = this.reader.queue;
    let told = 0;
    for (const start of this.reader.starts) {
      for (const window of this.reader.windows(start)) {
        for (let queueOffset = window.fromOffset; queueOffset < window.toOffset; queueOffset++) {
          if (!window.holdsRecord(queueOffset)) continue;
          const physicalOffset = window.physicalOffset(queueOffset);
          const isOutside = physicalOffset < log.minOffset || physicalOffset >= log.endOffset;
          if (isOutside || damagedAt(log.damaged, physicalOffset) !== undefined) continue;
          const problem = await this.problemOf(queueOffset, physicalOffset);
          if (problem === undefined) continue;
          if (++told > MAX_STRAYS_TOLD) return;
          findings.add({
            kind: 'QUEUE_ENTRY_STRAY',
            severity: 'damage',
            ...this.reader.place(queueOffset),
            topic,
            queueId,
            queueOffset,
            physicalOffset,
            text: `entry ${queueOffset} of queue ${topic}-${queueId} points at offset ${physicalOffset}, where ${problem}`,
            remedy: REBUILD,
          });
        }
      }
    }
  }

  private async problemOf(queueOffset: number, physicalOffset: number): Promise<string | undefined> {
    const found = await this.context.scanner.recordAt(physicalOffset);
    if (found === undefined) return 'no record begins';
    const record = this.context.decoder.decode(found.buffer, 0, found.sizeBytes);
    const { topic, queueId } = this.reader.queue;
    if (record.topic === topic && record.queueId === queueId && record.queueOffset === queueOffset) return undefined;
    return `message ${record.queueOffset} of ${record.topic}-${record.queueId} stands`;
  }
}

/** The damaged range that holds the offset. */
export function damagedAt(ranges: readonly DamagedRange[], physicalOffset: number): DamagedRange | undefined {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle].toOffset <= physicalOffset) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low] as DamagedRange | undefined;
  return range !== undefined && range.fromOffset <= physicalOffset ? range : undefined;
}
