import { SCHEDULE_TOPIC } from '@rocknest/protocol';
import { ENTRY_BYTES, EntryWindow } from '../consume-queue/queue-entry.js';
import type { DispatchRequest } from '../dispatch/dispatch-request.js';
import type { Findings } from './finding.js';
import type { QueueReader } from './queue-reader.js';

/** A record that has no entry, or another one. */
interface Unmatched {
  readonly queueOffset: number;
  readonly physicalOffset: number;
}

const NO_WINDOW = new EntryWindow(new DataView(new ArrayBuffer(0)), 0, 0, 0);

/**
 * One consume queue against the log: each record of the log asks for its entry, in log order, and what is left over at the end is
 * either wrong or missing.
 */
export class QueueCheck {
  /** Records of the present life of the queue that found their entry. */
  matched = 0;
  /** Records that belong to a life of the queue before its topic was deleted. */
  superseded = 0;
  /** Records of the present life without their entry. */
  missingCount = 0;
  firstMissing: Unmatched | undefined = undefined;
  lastMissing: Unmatched | undefined = undefined;
  /** Monotonic use counter, for who gives buffers back. */
  lastUse = 0;
  private lastQueueOffset = -1;
  private buffer: Buffer | undefined = undefined;
  private window = NO_WINDOW;

  constructor(
    readonly topic: string,
    readonly queueId: number,
    /** Undefined: the queue has no folder. */
    readonly reader: QueueReader | undefined,
    private readonly findings: Findings,
  ) {}

  get hasBuffer(): boolean {
    return this.buffer !== undefined;
  }

  releaseBuffer(): void {
    this.buffer = undefined;
    this.window = NO_WINDOW;
  }

  /** @param windowEntries how many entries to read at once */
  match(record: DispatchRequest, windowEntries: number): void {
    const { queueOffset, physicalOffset } = record;
    if (queueOffset <= this.lastQueueOffset) {
      // The topic was deleted and began anew: what came before is nobody's any more.
      this.superseded += this.missingCount;
      this.missingCount = 0;
      this.firstMissing = this.lastMissing = undefined;
    }
    this.lastQueueOffset = queueOffset;
    if (!this.load(queueOffset, windowEntries) || this.window.physicalOffset(queueOffset) !== physicalOffset) {
      this.missingCount++;
      this.firstMissing ??= { queueOffset, physicalOffset };
      this.lastMissing = { queueOffset, physicalOffset };
      return;
    }
    this.matched++;
    const sizeBytes = this.window.sizeBytes(queueOffset);
    const tagsCode = this.window.tagsCode(queueOffset);
    if (sizeBytes !== record.sizeBytes)
      this.wrong(record, `says ${sizeBytes} bytes, its record has ${record.sizeBytes}`);
    // Deliver times hang on the delay levels that the broker was configured with.
    const isTagsCodeRight =
      tagsCode === record.tagsCode || (this.topic === SCHEDULE_TOPIC && tagsCode >= record.storeTimestamp);
    if (!isTagsCodeRight) this.wrong(record, `has the tags code ${tagsCode}, its record ${record.tagsCode}`);
  }

  /** @returns false when there is no entry. */
  private load(queueOffset: number, windowEntries: number): boolean {
    if (this.reader === undefined) return false;
    if (queueOffset < this.window.fromOffset || queueOffset >= this.window.toOffset) {
      this.buffer ??= Buffer.allocUnsafeSlow(windowEntries * ENTRY_BYTES);
      this.window = this.reader.read(queueOffset, windowEntries, this.buffer);
    }
    return queueOffset < this.window.toOffset && this.window.holdsRecord(queueOffset);
  }

  private wrong(record: DispatchRequest, what: string): void {
    const { queueOffset, physicalOffset } = record;
    const place = this.reader?.place(queueOffset) ?? { path: '', position: 0 };
    this.findings.add({
      kind: 'QUEUE_ENTRY_WRONG',
      severity: 'damage',
      ...place,
      topic: this.topic,
      queueId: this.queueId,
      queueOffset,
      physicalOffset,
      text: `entry ${queueOffset} of queue ${this.topic}-${this.queueId} ${what}`,
      remedy: 'the consume queue is made again from the log: rocknest store repair',
    });
  }
}
