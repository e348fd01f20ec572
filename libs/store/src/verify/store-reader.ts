import { findProperty, MessageConst, TIMER_TOPIC } from '@rocknest/protocol';
import { join } from 'node:path';
import { StoreCheckpoint } from '../checkpoint/store-checkpoint.js';
import { RecordDecoder } from '../commit-log/record-check.js';
import { ENTRY_BYTES } from '../consume-queue/queue-entry.js';
import * as defaults from '../defaults.js';
import type { DispatchRequest } from '../dispatch/dispatch-request.js';
import { StoreError } from '../errors.js';
import { SystemClock } from '../io/clock.js';
import type { FileSystem } from '../io/file-system.js';
import { HandlePool } from '../io/handle-pool.js';
import { LocalMachine } from '../io/machine.js';
import { NodeFileSystem } from '../io/node-file-system.js';
import { LogScanner } from '../recovery/log-scanner.js';
import type { ConsumeQueueEntry } from '../types.js';
import { refuseInUse } from './refuse-in-use.js';
import { QueueReader } from './queue-reader.js';
import { ReadOnlyFileSystem } from './read-only-file-system.js';
import { LogRow, surveyStore, type StoreSurvey, type SurveyOptions } from './store-survey.js';
import { type TimerFilter, type TimerItem, type TimerProgress, TimerReader } from './timer-reader.js';

export interface StoreReaderOptions extends SurveyOptions {
  /** Look at a store that a broker is using. @default false: refused */
  readonly inUse?: boolean;
  readonly fileSystem?: FileSystem;
}

/** Which records are wanted; what is not given does not matter. */
export interface RecordFilter {
  readonly topic?: string;
  readonly queueId?: number;
  /** Smallest queue offset. */
  readonly fromOffset?: number;
  /** Largest queue offset. */
  readonly toOffset?: number;
  /** One of KEYS, or the unique key. */
  readonly key?: string;
  /** Where to begin in the log; a record must begin there. */
  readonly physicalOffset?: number;
}

/** What stands in the log: a record, or bytes that are none. */
export type LogItem =
  | { readonly kind: 'record'; readonly request: DispatchRequest; readonly bytes: Buffer }
  | { readonly kind: 'damage'; readonly fromOffset: number; readonly toOffset: number; readonly reason: string };

/** An entry as it stands in the file. */
export interface QueueItem extends ConsumeQueueEntry {
  readonly queueOffset: number;
  /** `empty`: zeros; `filler`: stands for no message. */
  readonly kind: 'entry' | 'filler' | 'empty';
}

/** Records handed out at once, and bytes looked at before the caller gets a word in. */
const MAX_COLLECTED = 256;
const MAX_COLLECTED_BYTES = 4 * 1024 * 1024;
const MAX_SCANNED_BYTES = 64 * 1024 * 1024;

class Enough extends Error {}

/** Reads a store without changing it: what `rocknest store dump` prints. Close it after use. */
export class StoreReader {
  private constructor(
    readonly survey: StoreSurvey,
    private readonly row: LogRow,
    private readonly handles: HandlePool,
    private readonly fileSystem: FileSystem,
  ) {}

  /** Throws `STORE_NOT_FOUND` or `STORE_LOCKED`. */
  static async open(options: StoreReaderOptions): Promise<StoreReader> {
    const fileSystem = new ReadOnlyFileSystem(options.fileSystem ?? new NodeFileSystem());
    const survey = surveyStore(options, fileSystem);
    if (options.inUse !== true) await refuseInUse(options.rootPath, fileSystem, new SystemClock(), new LocalMachine());
    const row = new LogRow(survey.logFiles, survey.segmentSizeBytes);
    return new StoreReader(survey, row, new HandlePool(fileSystem, defaults.MAX_OPEN_FILES), fileSystem);
  }

  close(): void {
    this.handles.closeAll();
  }

  checkpoint(): StoreCheckpoint {
    const checkpoint = new StoreCheckpoint(join(this.survey.rootPath, 'checkpoint'), this.fileSystem);
    checkpoint.peek();
    return checkpoint;
  }

  /** Where the log begins, and how much of it there can be at most. */
  get logRange(): { minOffset: number; endOffset: number } {
    return { minOffset: this.row.minOffset, endOffset: this.row.endOffset };
  }

  /**
   * The records that the filter wants, in log order, and the damaged parts between them.
   *
   * @param onProgress called from time to time with the physical offset reached
   */
  async *records(
    filter: RecordFilter,
    onProgress: (physicalOffset: number) => void = () => undefined,
  ): AsyncGenerator<LogItem> {
    let offset = await this.startOf(filter);
    const scanner = new LogScanner(this.row, this.handles, defaults.RECOVERY_READ_BYTES);
    const decoder = new RecordDecoder(defaults.DELAY_LEVELS_MS);
    for (;;) {
      const { items, nextOffset, end } = await this.collect(scanner, decoder, offset, filter);
      yield* items;
      onProgress(nextOffset);
      offset = nextOffset;
      if (end === undefined) continue;
      const { recordOffset, nonZeroEnd } = await scanner.leftover(offset, true);
      const toOffset = recordOffset ?? nonZeroEnd;
      if (toOffset > offset) yield { kind: 'damage', fromOffset: offset, toOffset, reason: end };
      if (recordOffset === undefined) return;
      offset = recordOffset;
    }
  }

  /** The entries of a queue as they stand in its files. Throws `STORE_NOT_FOUND` when there is no such queue. */
  *entries(topic: string, queueId: number, fromOffset = 0, toOffset = Infinity): Generator<QueueItem> {
    const reader = this.queueReader(topic, queueId);
    if (reader === undefined) {
      const known = this.survey.queues.map((queue) => `${queue.topic}/${queue.queueId}`);
      const hint =
        known.length === 0
          ? 'there are none'
          : `there are ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', ...' : ''}`;
      throw new StoreError('STORE_NOT_FOUND', `The store has no consume queue ${topic}/${queueId}: ${hint}.`, {
        topic,
        queueId,
      });
    }
    let emptyFrom = -1;
    for (const start of reader.starts) {
      for (const window of reader.windows(start)) {
        for (let queueOffset = window.fromOffset; queueOffset < window.toOffset; queueOffset++) {
          if (queueOffset > toOffset) return;
          if (queueOffset < fromOffset) continue;
          const isGap = window.isGap(queueOffset);
          if (!isGap && !window.holdsRecord(queueOffset)) {
            if (emptyFrom < 0) emptyFrom = queueOffset;
            continue;
          }
          // Empty entries count only where others follow: the rest of the last file is empty.
          for (; emptyFrom >= 0 && emptyFrom < queueOffset; emptyFrom++)
            yield { queueOffset: emptyFrom, physicalOffset: 0, sizeBytes: 0, tagsCode: 0, kind: 'empty' };
          emptyFrom = -1;
          yield {
            queueOffset,
            physicalOffset: window.physicalOffset(queueOffset),
            sizeBytes: window.sizeBytes(queueOffset),
            tagsCode: window.tagsCode(queueOffset),
            kind: isGap ? 'filler' : 'entry',
          };
        }
      }
    }
  }

  /**
   * The timer messages that the filter wants, in the order in which they came. Two passes over the timer log; the log is read from where it may tell what was
   * delivered since the checkpoint.
   */
  timers(
    filter: TimerFilter,
    onProgress: (progress: TimerProgress) => void = () => undefined,
  ): AsyncGenerator<TimerItem> {
    const { row, handles, fileSystem } = this;
    const { rootPath, queues } = this.survey;
    const hasTopic = queues.some(({ topic, queueId }) => topic === TIMER_TOPIC && queueId === 0);
    const topicEntries = (fromOffset: number): Iterable<QueueItem> =>
      hasTopic ? this.entries(TIMER_TOPIC, 0, fromOffset) : [];
    const recoveryOffset = this.checkpoint().point?.physicalOffset;
    return new TimerReader({
      rootPath,
      fileSystem,
      handles,
      row,
      hasTopic,
      topicEntries,
      recoveryOffset,
      onProgress,
    }).items(filter);
  }

  private queueReader(topic: string, queueId: number): QueueReader | undefined {
    const queue = this.survey.queues.find((each) => each.topic === topic && each.queueId === queueId);
    return queue === undefined ? undefined : new QueueReader(queue, this.survey.fileEntries, this.handles);
  }

  /** The consume queue tells where the first wanted record stands: what is before it needs no reading. */
  private async startOf({ physicalOffset, topic, queueId, fromOffset }: RecordFilter): Promise<number> {
    if (physicalOffset !== undefined) return physicalOffset;
    const first = this.row.minOffset;
    if (topic === undefined || queueId === undefined || fromOffset === undefined) return first;
    const window = this.queueReader(topic, queueId)?.read(fromOffset, 1, Buffer.alloc(ENTRY_BYTES));
    if (window === undefined || window.toOffset === fromOffset || !window.holdsRecord(fromOffset)) return first;
    const place = window.physicalOffset(fromOffset);
    const scanner = new LogScanner(this.row, this.handles, defaults.RECORD_HEAD_READ_BYTES);
    return (await scanner.recordAt(place)) === undefined ? first : place;
  }

  private async collect(
    scanner: LogScanner,
    decoder: RecordDecoder,
    fromOffset: number,
    filter: RecordFilter,
  ): Promise<{ items: LogItem[]; nextOffset: number; end: string | undefined }> {
    const items: LogItem[] = [];
    let nextOffset = fromOffset;
    let collectedBytes = 0;
    try {
      const end = await scanner.scan(fromOffset, (buffer, at, sizeBytes, physicalOffset) => {
        const request = decoder.decode(buffer, at, sizeBytes);
        nextOffset = physicalOffset + sizeBytes;
        if (isWanted(request, filter)) {
          items.push({ kind: 'record', request, bytes: Buffer.from(buffer.subarray(at, at + sizeBytes)) });
          collectedBytes += sizeBytes;
        }
        const isFull = items.length >= MAX_COLLECTED || collectedBytes >= MAX_COLLECTED_BYTES;
        if (isFull || nextOffset - fromOffset >= MAX_SCANNED_BYTES) throw new Enough();
      });
      return { items, nextOffset: end.physicalOffset, end: end.reason };
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
      return { items, nextOffset, end: undefined };
    }
  }
}

function isWanted(request: DispatchRequest, { topic, queueId, fromOffset, toOffset, key }: RecordFilter): boolean {
  if (topic !== undefined && request.topic !== topic) return false;
  if (queueId !== undefined && request.queueId !== queueId) return false;
  if (fromOffset !== undefined && request.queueOffset < fromOffset) return false;
  if (toOffset !== undefined && request.queueOffset > toOffset) return false;
  return key === undefined || hasKey(String(request.properties), key);
}

function hasKey(properties: string, key: string): boolean {
  if (findProperty(properties, MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX) === key) return true;
  return findProperty(properties, MessageConst.KEYS)?.split(' ').includes(key) === true;
}
