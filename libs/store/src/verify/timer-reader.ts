import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { decodeMessage, javaStringHash, MessageConst, type MessageExt, TIMER_TOPIC } from '@rocknest/protocol';
import * as defaults from '../defaults.js';
import { RecordDecoder } from '../commit-log/record-check.js';
import type { FileSystem } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { LogScanner } from '../recovery/log-scanner.js';
import { DeliveredCopies } from '../timer/delivered-copies.js';
import { SCAN_BY_TIME, SCAN_NOTHING, TimerCheckpoint } from '../timer/timer-checkpoint.js';
import { MAGIC_DELETE, MAGIC_ROLL, slotOf } from '../timer/timer-layout.js';
import { TimerLog } from '../timer/timer-log.js';
import { cancelledKeyOf, deleteKeyOf, dueMsOf, undeliverable } from '../timer/timer-message.js';
import { walkLog } from './log-walk.js';
import type { QueueItem } from './store-reader.js';
import type { LogRow } from './store-survey.js';
import { TimerChains } from './timer-chains.js';

/** Which timer messages are wanted; what is not given does not matter. */
export interface TimerFilter {
  /** The topic they will go to. */
  readonly topic?: string;
  /** The queue they will go to. */
  readonly queueId?: number;
  /** One of KEYS, or the unique key. */
  readonly key?: string;
  /** Delivered ones too, and recalls. @default false */
  readonly isDoneWanted?: boolean;
}

/**
 * `waiting`: goes to its topic when it is due. `cancelled`: a recall stands beside it. `delivered`: it was delivered, or stored anew for a later time.
 * `recall`: cancels another message. `undeliverable`: lacks what says when and where. `lost`: its record is not in the commit log.
 */
export type TimerState = 'waiting' | 'cancelled' | 'delivered' | 'recall' | 'undeliverable' | 'lost';

/** A timer message, or what keeps from telling of all of them. */
export type TimerItem =
  | {
      readonly kind: 'timer';
      readonly state: TimerState;
      /** When it goes to its topic: ms since 1970. */
      readonly dueMs: number;
      /** When it is stored anew before, as it is due too far ahead. */
      readonly storedAnewMs: number | undefined;
      /** Place in the timer log; undefined while it has none. */
      readonly unitPosition: number | undefined;
      readonly physicalOffset: number;
      readonly sizeBytes: number;
      /** The record; undefined when it is lost. */
      readonly bytes: Buffer | undefined;
    }
  | { readonly kind: 'problem'; readonly path: string; readonly text: string };

/** How far reading is: in the log when it tells what was delivered, then twice over the timer log. */
export interface TimerProgress {
  readonly step: 'LOG' | 'TIMER_LOG';
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface TimerReaderParts {
  readonly rootPath: string;
  readonly fileSystem: FileSystem;
  readonly handles: HandlePool;
  readonly row: LogRow;
  /** The timer topic has a queue. */
  readonly hasTopic: boolean;
  /** Entries of the queue of the timer topic from an offset on; none without such a queue. */
  readonly topicEntries: (fromOffset: number) => Iterable<QueueItem>;
  /** Queue files have all entries of what stands before it in the log; undefined when that is not known. */
  readonly recoveryOffset: number | undefined;
  readonly onProgress: (progress: TimerProgress) => void;
}

/** A unit, or a message of the topic that has none yet. */
interface Place {
  readonly position: number | undefined;
  /** Undefined without a unit. */
  readonly unitDueMs: number | undefined;
  readonly magic: number;
  readonly physicalOffset: number;
  readonly sizeBytes: number;
}

/** Units taken from the timer log at once. */
const BATCH_UNITS = 1_024;
/** Recalls, 40 bytes each, and deliveries since the checkpoint, some 200 bytes each, that are kept at most. */
const MAX_RECALLS = 1_000_000;
const MAX_COPIES = 500_000;
/** Messages behind the consume queue, some 100 bytes each: a killed broker leaves some seconds of them. */
const MAX_BEHIND_QUEUE = 500_000;
const HASH_LOW_BITS = 21;

/** Reads the timer messages of a store, in the order in which they came. Changes nothing. Memory: 35 MB, and what recalls and deliveries take. */
export class TimerReader {
  private readonly checkpoint: TimerCheckpoint;
  private readonly log: TimerLog;
  private readonly scanner: LogScanner;
  private readonly chains = new TimerChains();
  private readonly recalls = new Set<number>();
  private readonly copies = new DeliveredCopies();
  private readTimeMs = 0;
  private lastUnit: { physicalOffset: number } | undefined = undefined;
  private firstTopicOffset = 0;
  private unitsEnd = 0;
  private readonly behindQueue: Place[] = [];
  /** Of the message read last. */
  private record: Buffer = Buffer.alloc(0);

  constructor(private readonly parts: TimerReaderParts) {
    const { rootPath, fileSystem, row, handles } = parts;
    this.checkpoint = new TimerCheckpoint(join(rootPath, 'config', 'timercheck'), fileSystem);
    this.log = new TimerLog(join(rootPath, 'timerlog'), 0, fileSystem);
    this.scanner = new LogScanner(row, handles, defaults.RECORD_HEAD_READ_BYTES);
  }

  async *items(filter: TimerFilter): AsyncGenerator<TimerItem> {
    const { checkpoint, log } = this;
    const problem = (path: string, text: string): TimerItem => ({ kind: 'problem', path, text });
    try {
      const hasCheckpoint = checkpoint.load();
      const logProblem = log.open();
      if (logProblem !== undefined) yield problem(log.folder, `the timer log can't be used: ${logProblem}`);
      if (checkpoint.isDamaged) yield problem(checkpoint.path, 'the CRC of the checkpoint of the timer is wrong');
      if (!hasCheckpoint && log.filesEnd > 0)
        yield problem(checkpoint.path, 'there is no checkpoint of the timer: what was delivered is taken from the log');
      const { delivered, scanFrom, lastReadTimeMs } = checkpoint;
      const isOpen = delivered !== undefined && scanFrom !== SCAN_NOTHING;
      this.readTimeMs = isOpen ? Math.min(lastReadTimeMs, slotOf(delivered.dueMs)) : lastReadTimeMs;
      const isUsable = logProblem === undefined;
      await this.survey(isUsable);
      const hasMessages = log.filesEnd > 0 || this.parts.hasTopic || this.behindQueue.length > 0;
      if (hasMessages) await this.findCopies(hasCheckpoint);
      const end = this.unitsEnd;
      if (isUsable && end < checkpoint.lastTimerLogFlushPos)
        yield problem(
          log.folder,
          `its units end at ${end}; the checkpoint knows them to ${checkpoint.lastTimerLogFlushPos}`,
        );
      if (this.recalls.size >= MAX_RECALLS)
        yield problem(
          log.folder,
          `it has more than ${MAX_RECALLS} recalls: some messages are cancelled though they say waiting`,
        );
      if (this.copies.size >= MAX_COPIES)
        yield problem(
          log.folder,
          `more than ${MAX_COPIES} were delivered since the checkpoint: some of them say waiting`,
        );
      if (this.behindQueue.length >= MAX_BEHIND_QUEUE)
        yield problem(
          checkpoint.path,
          `more than ${MAX_BEHIND_QUEUE} messages have no place yet: the rest is not listed`,
        );
      for await (const place of this.places(isUsable, 1)) {
        const item = await this.itemOf(place, filter);
        if (item !== undefined) yield item;
      }
    } finally {
      log.close();
    }
  }

  /** What was delivered though the checkpoint does not say so. */
  private async findCopies(hasCheckpoint: boolean): Promise<void> {
    const { row, handles, onProgress } = this.parts;
    const scanFrom = hasCheckpoint ? this.checkpoint.scanFrom : SCAN_BY_TIME;
    if (scanFrom === SCAN_NOTHING || row.all.length === 0) return;
    const from = scanFrom === SCAN_BY_TIME ? await this.startByTime() : Math.max(scanFrom, row.minOffset);
    const scanner = new LogScanner(row, handles, defaults.RECOVERY_READ_BYTES);
    await walkLog(
      row,
      scanner,
      (buffer, at, sizeBytes, physicalOffset) => {
        onProgress({ step: 'LOG', doneBytes: physicalOffset - from, totalBytes: row.endOffset - from });
        if (this.copies.size < MAX_COPIES) this.copies.add(buffer.subarray(at, at + sizeBytes));
      },
      from,
    );
  }

  /** The last file of the log that begins before the time of the last delivery that is known. */
  private async startByTime(): Promise<number> {
    const timeMs = (this.checkpoint.delivered?.dueMs ?? 0) - defaults.TIMER_MARGIN_MS;
    const { row } = this.parts;
    for (const segment of [...row.all].reverse()) {
      const record = await this.scanner.recordAt(segment.startOffset);
      if (record !== undefined && decode(record).storeTimestamp < timeMs) return segment.startOffset;
    }
    return row.minOffset;
  }

  /** Goes over all once: chains of the slots, and what the recalls cancel. */
  private async survey(isLogUsable: boolean): Promise<void> {
    for await (const place of this.places(isLogUsable, 0)) {
      if (place.position !== undefined && this.isDone(place.unitDueMs ?? 0, place.position)) continue;
      if (place.unitDueMs !== undefined && (place.magic & MAGIC_DELETE) === 0) continue;
      const message = await this.messageOf(place);
      const key = message === undefined ? undefined : cancelledKeyOf(message.properties);
      if (message === undefined || key === undefined || this.recalls.size >= MAX_RECALLS) continue;
      this.recalls.add(recallHash(key, dueMsOf(message.properties) ?? 0));
    }
  }

  private async *places(isLogUsable: boolean, round: 0 | 1): AsyncGenerator<Place> {
    if (isLogUsable) yield* this.unitPlaces(round);
    if (round === 0) await this.findUnitless();
    for (const { physicalOffset, sizeBytes, kind } of this.parts.topicEntries(this.firstTopicOffset)) {
      if (kind === 'entry') yield placeWithoutUnit(physicalOffset, sizeBytes);
    }
    yield* this.behindQueue;
  }

  /** Finds where the messages begin that have no unit, and those that the consume queue does not have either after a kill. */
  private async findUnitless(): Promise<void> {
    const { rootPath, fileSystem, row, handles, topicEntries, recoveryOffset, onProgress } = this.parts;
    this.firstTopicOffset = await this.topicOffset();
    if (fileSystem.stat(join(rootPath, 'abort')) === undefined || row.all.length === 0) return;
    let nextTopicOffset = this.firstTopicOffset;
    let knownEnd = this.lastUnit === undefined ? 0 : this.lastUnit.physicalOffset + 1;
    for (const { queueOffset, physicalOffset, kind } of topicEntries(this.firstTopicOffset)) {
      if (kind === 'entry') knownEnd = physicalOffset + 1;
      nextTopicOffset = queueOffset + 1;
    }
    const entry = await this.recordAt(knownEnd - 1);
    const from = Math.max(recoveryOffset ?? 0, entry === undefined ? 0 : knownEnd - 1, row.minOffset);
    const scanner = new LogScanner(row, handles, defaults.RECOVERY_READ_BYTES);
    const decoder = new RecordDecoder(defaults.DELAY_LEVELS_MS);
    await walkLog(
      row,
      scanner,
      (buffer, at, sizeBytes, physicalOffset) => {
        onProgress({ step: 'LOG', doneBytes: physicalOffset - from, totalBytes: row.endOffset - from });
        const { topic, queueOffset } = decoder.decode(buffer, at, sizeBytes);
        if (topic !== TIMER_TOPIC || queueOffset < nextTopicOffset || this.behindQueue.length >= MAX_BEHIND_QUEUE)
          return;
        this.behindQueue.push(placeWithoutUnit(physicalOffset, sizeBytes));
      },
      from,
    );
  }

  private async *unitPlaces(round: 0 | 1): AsyncGenerator<Place> {
    const { log, checkpoint } = this;
    const totalBytes = Math.max(1, (round === 0 ? checkpoint.lastTimerLogFlushPos : this.unitsEnd) - log.start) * 2;
    let from = log.start;
    for (;;) {
      const batch: (Place & { readonly position: number })[] = [];
      const end = await log.scan(from, (position, unit) => {
        if (batch.length >= BATCH_UNITS) return false;
        const { dueMs: unitDueMs, magic, physicalOffset, sizeBytes } = unit;
        batch.push({ position, unitDueMs, magic, physicalOffset, sizeBytes });
        if (round === 0) this.chains.add(position, unit, log.start);
        return true;
      });
      yield* batch;
      this.lastUnit = batch.at(-1) ?? this.lastUnit;
      const doneBytes = Math.min(end - log.start + (round * totalBytes) / 2, totalBytes);
      this.parts.onProgress({ step: 'TIMER_LOG', doneBytes, totalBytes });
      this.unitsEnd = end;
      if (batch.length < BATCH_UNITS) return;
      from = end;
    }
  }

  /** The first message of the topic that has no unit. */
  private async topicOffset(): Promise<number> {
    const known = this.checkpoint.lastTimerQueueOffset;
    const last = this.lastUnit === undefined ? undefined : await this.recordAt(this.lastUnit.physicalOffset);
    return last?.topic === TIMER_TOPIC ? Math.max(known, last.queueOffset + 1) : known;
  }

  private async itemOf(place: Place, filter: TimerFilter): Promise<TimerItem | undefined> {
    const { position, unitDueMs = 0, magic } = place;
    const isDone = position !== undefined && this.isDone(unitDueMs, position);
    if (isDone && filter.isDoneWanted !== true) return undefined;
    // A stop gave what was left of a second new units.
    if (position !== undefined && this.chains.isReplaced(position, unitDueMs)) return undefined;
    const message = await this.messageOf(place);
    const isRoll = (magic & MAGIC_ROLL) !== 0;
    const state = message === undefined ? 'lost' : this.stateOf(message, place, isDone);
    if (!isWanted(message, filter) || (filter.isDoneWanted !== true && (state === 'delivered' || state === 'recall')))
      return undefined;
    // What retention removed was delivered long before.
    if (state === 'lost' && isDone) return undefined;
    return {
      kind: 'timer',
      state,
      dueMs: (message && dueMsOf(message.properties)) ?? unitDueMs,
      storedAnewMs: isRoll ? unitDueMs : undefined,
      unitPosition: position,
      physicalOffset: place.physicalOffset,
      sizeBytes: place.sizeBytes,
      bytes: message === undefined ? undefined : Buffer.from(this.record),
    };
  }

  private stateOf(message: MessageExt, { magic }: Place, isDone: boolean): TimerState {
    if (cancelledKeyOf(message.properties) !== undefined) return 'recall';
    const isRoll = (magic & MAGIC_ROLL) !== 0;
    const key = deleteKeyOf(message.properties);
    const dueMs = dueMsOf(message.properties);
    if (isDone || this.copies.take(message, isRoll)) return 'delivered';
    if (dueMs === undefined || undeliverable(message) !== undefined) return 'undeliverable';
    return key !== undefined && this.recalls.has(recallHash(key, dueMs)) ? 'cancelled' : 'waiting';
  }

  private isDone(dueMs: number, position: number): boolean {
    const { delivered } = this.checkpoint;
    if (slotOf(dueMs) < this.readTimeMs) return true;
    if (delivered === undefined) return false;
    return dueMs < delivered.dueMs || (dueMs === delivered.dueMs && position <= delivered.position);
  }

  private async messageOf({ physicalOffset, sizeBytes }: Place): Promise<MessageExt | undefined> {
    const message = await this.recordAt(physicalOffset);
    return message?.topic === TIMER_TOPIC && message.storeSize === sizeBytes ? message : undefined;
  }

  private async recordAt(physicalOffset: number): Promise<MessageExt | undefined> {
    const record = await this.scanner.recordAt(physicalOffset);
    if (record === undefined) return undefined;
    this.record = record.buffer.subarray(0, record.sizeBytes);
    return decode(record);
  }
}

function placeWithoutUnit(physicalOffset: number, sizeBytes: number): Place {
  return { position: undefined, unitDueMs: undefined, magic: 0, physicalOffset, sizeBytes };
}

function decode({ buffer, sizeBytes }: { buffer: Buffer; sizeBytes: number }): MessageExt {
  return decodeMessage(buffer.subarray(0, sizeBytes), 0, { inflate: false });
}

function isWanted(message: MessageExt | undefined, { topic, queueId, key }: TimerFilter): boolean {
  if (message === undefined) return topic === undefined && queueId === undefined && key === undefined;
  const { properties } = message;
  if (topic !== undefined && properties[MessageConst.REAL_TOPIC] !== topic) return false;
  if (queueId !== undefined && Number(properties[MessageConst.REAL_QUEUE_ID] ?? NaN) !== queueId) return false;
  if (key === undefined || properties[MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX] === key) return true;
  return properties[MessageConst.KEYS]?.split(' ').includes(key) === true;
}

/** A recall counts for what is due in the same second. */
function recallHash(key: string, dueMs: number): number {
  const text = `${slotOf(dueMs)}\n${key}`;
  return crc32(text) * 2 ** HASH_LOW_BITS + (javaStringHash(text) >>> (32 - HASH_LOW_BITS));
}
