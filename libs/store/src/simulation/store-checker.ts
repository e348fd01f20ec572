import type { MessageStore } from '../message-store.js';
import type { QueryMessageResult } from '../index-file/message-query.js';
import type { RecoveryReport } from '../recovery/recovery-report.js';
import type { SimConfig } from './history.js';
import type { LogRecord } from './log-reader.js';
import { parseLog } from './log-reader.js';
import type { SimHost } from './sim-host.js';
import type { SimMessage } from './sim-message.js';
import type { SimModel } from './sim-model.js';
import { demand, SimViolation } from './sim-violation.js';

/** What is known of the time since the store was open before. */
export interface Reopening {
  readonly report: RecoveryReport;
  /** Queue files or the checkpoint were taken away meanwhile: queues come back from the log, deleted topics with them. */
  readonly queuesLost: boolean;
  /** From here on the log reads differently, because a failed fdatasync dropped pages. Infinity: nowhere. */
  readonly damagedFrom: number;
}

/** Runs an asynchronous call on the store to its end. */
export type Await = <T>(what: string, call: () => T | Promise<T>) => Promise<T>;

const MAX_ATTEMPTS = 5;

/** The index opens its files again after a minute at the latest. */
const INDEX_RETRY_MS = 100_000;

const FOR_EVER_MS = 8.64e15;

/** Time for the queues to follow a deletion. */
const SETTLE_MS = 100;

interface Found {
  readonly record: LogRecord;
  readonly message: SimMessage;
}

/**
 * Compares an open store with the model: the log record by record as it stands in the files, then each queue from its minimum to
 * its maximum offset by pulls, then what is owed. Afterwards the model knows what the store has, and owes it from now on.
 */
export class StoreChecker {
  constructor(
    private readonly config: SimConfig,
    private readonly host: SimHost,
    private readonly model: SimModel,
    private readonly rootPath: string,
  ) {}

  async check(store: MessageStore, reopening: Reopening, wait: Await): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const start = store.minPhysicalOffset;
      try {
        return await this.checkNow(store, reopening, wait);
      } catch (error) {
        // Retention deleted segments meanwhile: what was read first no longer holds.
        const hasMoved = this.config.retention && store.minPhysicalOffset !== start;
        if (!hasMoved || attempt > MAX_ATTEMPTS) throw error;
        await this.host.world.runFor(SETTLE_MS);
      }
    }
  }

  private async checkNow(store: MessageStore, reopening: Reopening, wait: Await): Promise<void> {
    const log = this.readLog(store, reopening.report);
    this.checkOwedRecords(store, log, reopening);
    const byQueue = new Map<string, Found[]>();
    for (const found of log.values()) {
      if (!found.message.hasQueueEntry) continue;
      const key = `${found.record.topic}-${found.record.queueId}`;
      byQueue.set(key, [...(byQueue.get(key) ?? []), found]);
    }
    this.model.queues.clear();
    for (const topic of this.config.topics) {
      for (let queueId = 0; queueId < this.config.queues; queueId++) {
        await this.checkQueue(store, topic, queueId, byQueue.get(`${topic}-${queueId}`) ?? [], reopening, wait);
      }
    }
    await this.checkLookups(store, [...log.values()], wait);
    // A few: the last check of a history asks for all of them.
    await this.checkIndex(store, this.someOf([...log.values()]), wait);
    this.settle(log, store, reopening);
  }

  /** The index finds every message by its key, once the disk works, however often it was made again. */
  async checkWholeIndex(store: MessageStore, wait: Await): Promise<void> {
    const works = (): boolean => store.stats().index?.failure === undefined;
    const { world } = this.host;
    demand(await world.runUntil(works, INDEX_RETRY_MS), 'index', () => `still: ${store.stats().index?.failure ?? ''}`);
    const start = store.minPhysicalOffset;
    const owed = [...this.model.owed()].filter(({ physicalOffset }) => physicalOffset >= start);
    await this.checkIndex(store, owed, wait);
  }

  private someOf(log: readonly Found[]): SimMessage[] {
    const { random } = this.host.world;
    return log.length === 0 ? [] : Array.from({ length: 4 }, () => random.pick(log).message);
  }

  private async checkIndex(store: MessageStore, messages: readonly SimMessage[], wait: Await): Promise<void> {
    for (const message of messages) {
      if (!message.hasQueueEntry || store.stats().index?.failure !== undefined) continue;
      const ask = (): Promise<QueryMessageResult> => store.queryMessage(message.topic, message.key, 64, 0, FOR_EVER_MS);
      const { records } = await wait('a query by key', ask);
      if (store.stats().index?.failure !== undefined || message.physicalOffset < store.minPhysicalOffset) continue;
      demand(
        records.length === 1 && records[0].includes(message.body()),
        'index',
        () => `${records.length} messages are found by the key of ${message.toString()}`,
      );
    }
  }

  /** Every record of the log, by the id of its message. */
  private readLog(store: MessageStore, report: RecoveryReport): Map<number, Found> {
    const start = store.minPhysicalOffset;
    const end = store.maxPhysicalOffset;
    const { segmentSizeBytes } = this.config;
    demand(start % segmentSizeBytes === 0, 'log-start', () => `the log starts at ${start}`);
    demand(report.logEndOffset === end, 'log-end', () => `recovered to ${report.logEndOffset}, but the end is ${end}`);
    const pieces: Buffer[] = [];
    for (let offset = start; ; offset += segmentSizeBytes) {
      const file = this.host.disk.file(`${this.rootPath}/commitlog/${String(offset).padStart(20, '0')}`);
      if (file === undefined) break;
      demand(
        file.sizeBytes === segmentSizeBytes,
        'segment-size',
        () => `the segment at ${offset} has ${file.sizeBytes} bytes`,
      );
      pieces.push(Buffer.from(file.content));
    }
    const bytes = Buffer.concat(pieces);
    let records: LogRecord[];
    try {
      records = parseLog(bytes, start, end, segmentSizeBytes);
    } catch (error) {
      throw new SimViolation('log-chain', (error as Error).message);
    }
    const rest = bytes.subarray(end - start);
    demand(
      rest.every((byte) => byte === 0),
      'log-rest',
      () => `bytes that are not zero stand behind the end of the log, ${end}`,
    );
    const log = new Map<number, Found>();
    for (const record of records) {
      const message = this.model.identify(record);
      const first = log.get(message.id);
      demand(
        first === undefined,
        'duplicate',
        () => `${message.toString()} stands at ${first?.record.physicalOffset ?? 0} and at ${record.physicalOffset}`,
      );
      log.set(message.id, { record, message });
    }
    return log;
  }

  private checkOwedRecords(store: MessageStore, log: ReadonlyMap<number, Found>, { damagedFrom }: Reopening): void {
    const start = store.minPhysicalOffset;
    for (const message of this.model.owed()) {
      // Retention took it.
      if (message.physicalOffset < start && this.config.retention) continue;
      const found = log.get(message.id);
      const isExcused = message.durability === 'process' && message.endOffset > damagedFrom;
      if (found === undefined && isExcused) continue;
      demand(found !== undefined, 'lost', () => `${message.toString()} is not in the log any more`);
      const { physicalOffset, queueOffset, storeTimestamp } = found.record;
      demand(
        physicalOffset === message.physicalOffset &&
          (!message.hasQueueEntry || queueOffset === message.queueOffset) &&
          storeTimestamp === message.storeTimestamp,
        'renumbered',
        () => `${message.toString()} is at ${physicalOffset}, queue offset ${queueOffset} now`,
      );
    }
  }

  private async checkQueue(
    store: MessageStore,
    topic: string,
    queueId: number,
    inLog: readonly Found[],
    reopening: Reopening,
    wait: Await,
  ): Promise<void> {
    const where = `${topic}-${queueId}`;
    const min = store.minOffset(topic, queueId);
    const max = store.maxOffset(topic, queueId);
    demand(min >= 0 && min <= max, 'queue-bounds', () => `${where} goes from ${min} to ${max}`);
    const found = await this.readQueue(store, topic, queueId, wait);
    const { queuesRebuilt, queueTableUsed, cleanStop } = reopening.report;
    // Where a queue table stands in for checkpoints, it alone knows of a deletion at first; after a failed fdatasync it is not trusted.
    const lacksTable = this.config.queueTableMinQueues === 1 && !queueTableUsed && !cleanStop;
    const canResurrect = queuesRebuilt || lacksTable || reopening.queuesLost;
    const generation = lastGeneration(inLog);
    const expected = generation.filter(({ message }) => message.deleted === 'no');
    const ids = new Set(found.map(({ message }) => message.id));
    for (const { message, record } of expected) {
      demand(
        ids.has(message.id),
        'not-in-queue',
        () =>
          `${message.toString()} stands in the log at ${record.physicalOffset}, but not in its queue (${min} to ${max})`,
      );
    }
    const inGeneration = new Set(generation.map(({ message }) => message.id));
    for (const { message } of found) {
      if (message.deleted === 'no' && inGeneration.has(message.id)) continue;
      demand(
        message.deleted === 'maybe' || canResurrect,
        'resurrected',
        () => `${message.toString()} was deleted with its topic, and is in the queue again`,
      );
    }
    const entries = this.model.entries(topic, queueId);
    found.forEach(({ message, record }, i) => {
      demand(
        record.queueOffset === min + i,
        'hole',
        () => `${where} has ${record.queueOffset} in place ${min + i} (${min} to ${max})`,
      );
      const before = i === 0 ? undefined : found[i - 1].message;
      demand(
        before === undefined || before.id < message.id,
        'reordered',
        () => `${before?.toString() ?? ''} stands before ${message.toString()}`,
      );
      entries.set(record.queueOffset, message);
    });
    demand(
      found.length === max - min,
      'hole',
      () => `${where} goes from ${min} to ${max}, but ${found.length} messages can be read`,
    );
    this.checkFloor(topic, queueId, max, reopening);
  }

  /** Offsets of messages that retention took are not given out again. */
  private checkFloor(topic: string, queueId: number, max: number, { queuesLost, damagedFrom }: Reopening): void {
    if (queuesLost || damagedFrom < Number.POSITIVE_INFINITY) return;
    for (const message of this.model.owed()) {
      if (message.topic !== topic || message.queueId !== queueId || !message.hasQueueEntry) continue;
      demand(
        message.queueOffset < max,
        'offsets-again',
        () => `${topic}-${queueId} ends at ${max}, but ${message.toString()} was stored`,
      );
    }
  }

  private async readQueue(store: MessageStore, topic: string, queueId: number, wait: Await): Promise<Found[]> {
    const found: Found[] = [];
    for (let queueOffset = store.minOffset(topic, queueId); queueOffset < store.maxOffset(topic, queueId);) {
      const request = { topic, queueId, queueOffset, maxMessages: 32 };
      const result = await wait('a pull', () => store.getMessage(request));
      found.push(...this.model.consumed(topic, queueId, Buffer.concat(result.records)));
      demand(
        result.nextBeginOffset > queueOffset,
        'pull-progress',
        () => `a pull of ${topic}-${queueId} at ${queueOffset} answers ${result.status} and ${result.nextBeginOffset}`,
      );
      queueOffset = result.nextBeginOffset;
    }
    return found;
  }

  /** Queue entries and lookups by physical offset, of a few messages. */
  private async checkLookups(store: MessageStore, log: readonly Found[], wait: Await): Promise<void> {
    const { random } = this.host.world;
    for (let i = 0; i < 6 && log.length > 0; i++) {
      const { message, record } = random.pick(log);
      const bytes = await wait('a lookup', () => store.messageByPhysicalOffset(record.physicalOffset));
      demand(
        bytes !== undefined && bytes.length === record.sizeBytes && bytes.includes(message.body()),
        'lookup',
        () => `${message.toString()} is not found at ${record.physicalOffset}`,
      );
      if (this.model.queues.get(`${message.topic}-${message.queueId}`)?.get(record.queueOffset) !== message) continue;
      const { topic, queueId } = message;
      const entry = await wait('a queue entry', () => store.cqEntry(topic, queueId, record.queueOffset));
      demand(
        entry !== undefined &&
          entry.physicalOffset === record.physicalOffset &&
          entry.sizeBytes === record.sizeBytes &&
          entry.tagsCode === message.tagsCode(record.storeTimestamp),
        'queue-entry',
        () => `the entry of ${message.toString()} is ${JSON.stringify(entry)}`,
      );
    }
  }

  /** What was found is owed from now on; what was not, is gone for good. */
  private settle(log: ReadonlyMap<number, Found>, store: MessageStore, { queuesLost }: Reopening): void {
    const isSync = this.config.flushDiskType === 'SYNC_FLUSH';
    const { flushedPhysicalOffset } = store.stats();
    demand(
      !isSync || flushedPhysicalOffset >= store.maxPhysicalOffset,
      'unflushed-visible',
      () => `opened in SYNC_FLUSH with ${flushedPhysicalOffset} of ${store.maxPhysicalOffset} flushed`,
    );
    for (const message of this.model.messages.values()) {
      const found = log.get(message.id);
      if (found === undefined) {
        // Retention took it. Its offset is not given out again, unless the files that knew it were taken away.
        const isExpired = message.physicalOffset < store.minPhysicalOffset && message.durability !== 'none';
        if (isExpired && !queuesLost) continue;
        message.durability = 'none';
        continue;
      }
      const { record } = found;
      message.physicalOffset = record.physicalOffset;
      message.sizeBytes = record.sizeBytes;
      message.queueOffset = record.queueOffset;
      message.storeTimestamp = record.storeTimestamp;
      const isVisible =
        this.model.queues.get(`${message.topic}-${message.queueId}`)?.get(record.queueOffset) === message;
      if (message.hasQueueEntry) message.deleted = isVisible ? 'no' : 'yes';
      if (message.durability === 'none' || isSync) message.durability = isSync ? 'stable' : 'process';
    }
  }
}

/** The records of a queue since it last began anew. */
function lastGeneration(inLog: readonly Found[]): readonly Found[] {
  let start = 0;
  for (let i = 1; i < inLog.length; i++) {
    const { queueOffset } = inLog[i].record;
    const before = inLog[i - 1].record.queueOffset;
    if (queueOffset <= before) start = i;
    else {
      demand(
        queueOffset === before + 1,
        'hole',
        () => `in the log, ${inLog[i].message.toString()} follows queue offset ${before}`,
      );
    }
  }
  return inLog.slice(start);
}
