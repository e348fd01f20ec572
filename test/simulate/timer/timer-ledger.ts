import { decodeProperties, MessageConst, TIMER_TOPIC } from '@rocknest/protocol';
import type { MessageStore } from '../../../libs/store/src/message-store.js';
import { type LogRecord, parseRecord } from '../../../libs/store/src/simulation/log-reader.js';
import type { CrashKind } from '../../../libs/store/src/simulation/sim-crash.js';
import type { SimDisk } from '../../../libs/store/src/simulation/sim-disk.js';
import { idOfBody } from '../../../libs/store/src/simulation/sim-message.js';
import { ROOT_PATH } from '../../../libs/store/src/simulation/sim-options.js';
import { demand } from '../../../libs/store/src/simulation/sim-violation.js';
import { REAL_TOPIC, type SimTimerMessage } from './sim-timer-message.js';

/** Longer than the timer takes to learn of a recall when nothing is wrong. */
const RECALL_LAG_MS = 1_000;

/** A record of the log, and the message that it is. */
interface Entry {
  readonly message: SimTimerMessage;
  readonly kind: 'waiting' | 'delivered';
  readonly physicalOffset: number;
}

/** What the log holds of timer messages, read from the disk with code of its own, and what is owed. */
export class TimerLedger {
  readonly messages = new Map<number, SimTimerMessage>();
  /** Virtual time since when nothing kept the timer from its work, a step of the clock included. */
  untroubledFromMs = 0;
  /** When the power went off last. */
  powerLossMs = -1;
  delivered = 0;
  life = 0;
  private readonly entries = new Map<number, Entry>();
  private readonly firstSeenMs = new Map<Entry, number>();
  private scannedTo = 0;

  constructor(
    private readonly disk: SimDisk,
    private readonly segmentSizeBytes: number,
  ) {}

  /** What a crash leaves of what is owed. */
  crashed(kind: CrashKind, flushedOffset: number): void {
    for (const message of this.messages.values()) {
      if (message.durability !== 'process') continue;
      if (message.endOffset <= flushedOffset) message.durability = 'stable';
      else if (kind === 'power') message.durability = 'none';
    }
  }

  /** A store was opened: what it has of the log, and that it is all that is owed. `damagedFrom`: the disk lost pages behind it. */
  opened(store: MessageStore, damagedFrom: number, nowMs: number): void {
    const { minPhysicalOffset, maxPhysicalOffset } = store;
    this.life++;
    const before = new Map(this.entries);
    for (const offset of before.keys()) if (offset >= minPhysicalOffset) this.entries.delete(offset);
    this.scannedTo = minPhysicalOffset;
    this.scan(maxPhysicalOffset, nowMs, before);
    demand(
      this.scannedTo === maxPhysicalOffset,
      'log-end',
      () => `the log can be read to ${this.scannedTo}, its end is ${maxPhysicalOffset}`,
    );
    const waiting = this.idsOf('waiting');
    for (const message of this.messages.values()) {
      const isThere = waiting.has(message.id);
      const isExcused = message.durability === 'process' && message.endOffset > damagedFrom;
      demand(
        isThere || message.durability === 'none' || isExcused,
        'lost',
        () => `${message.toString()} is not in the log any more`,
      );
      if (!isThere) message.durability = 'none';
      else if (message.durability === 'none') message.durability = 'process';
    }
  }

  /** Looks at what came into the log since. */
  look(store: MessageStore, nowMs: number): void {
    this.scannedTo = Math.max(this.scannedTo, store.minPhysicalOffset);
    this.scan(store.maxPhysicalOffset, nowMs);
  }

  /** Messages that are due by a time, and neither delivered nor recalled. */
  undelivered(wallMs: number): SimTimerMessage[] {
    const done = this.idsOf('delivered');
    const waiting = this.idsOf('waiting');
    const recalled = new Set<number>();
    for (const id of waiting) {
      const { target } = this.messages.get(id)!;
      if (target !== undefined) recalled.add(target.id);
    }
    return [...this.messages.values()].filter(
      ({ id, target, deliverMs }) =>
        target === undefined && waiting.has(id) && deliverMs <= wallMs && !done.has(id) && !recalled.has(id),
    );
  }

  private firstSeenOf(message: SimTimerMessage): number {
    let firstMs = Number.POSITIVE_INFINITY;
    for (const entry of this.entries.values()) {
      if (entry.message === message) firstMs = Math.min(firstMs, this.firstSeenMs.get(entry) ?? 0);
    }
    return firstMs;
  }

  /** Where the message stands in the log, and since when. */
  private historyOf(message: SimTimerMessage): string {
    return [...this.entries.values()]
      .filter((entry) => entry.message === message)
      .map((entry) => `${entry.kind} at ${entry.physicalOffset}, seen at ${this.firstSeenMs.get(entry) ?? 0} ms`)
      .join('; ');
  }

  private idsOf(kind: Entry['kind']): Set<number> {
    const ids = new Set<number>();
    for (const entry of this.entries.values()) if (entry.kind === kind) ids.add(entry.message.id);
    return ids;
  }

  private scan(end: number, nowMs: number, before?: ReadonlyMap<number, Entry>): void {
    while (this.scannedTo < end) {
      const start = this.scannedTo - (this.scannedTo % this.segmentSizeBytes);
      const content = this.disk.file(`${ROOT_PATH}/commitlog/${String(start).padStart(20, '0')}`)?.content;
      const at = this.scannedTo - start;
      const sizeBytes = content === undefined || content.length < at + 8 ? 0 : content.readInt32BE(at);
      if (content === undefined || sizeBytes <= 0 || at + sizeBytes > content.length) return;
      if (content.readUInt32BE(at + 4) === 0xcbd43194) {
        this.scannedTo = start + this.segmentSizeBytes;
        continue;
      }
      const physicalOffset = this.scannedTo;
      this.take(parseRecord(content, at, physicalOffset), nowMs, before?.get(physicalOffset));
      this.scannedTo += sizeBytes;
    }
  }

  private take(record: LogRecord, nowMs: number, known: Entry | undefined): void {
    const { physicalOffset, topic, queueId, body } = record;
    const message = this.messages.get(idOfBody(body) ?? -1);
    const where = `the record at ${physicalOffset} (${topic}-${queueId})`;
    demand(message !== undefined, 'unknown-message', () => `${where} was never sent`);
    demand(body.equals(message.body()), 'changed-bytes', () => `${where} has another body than ${message.toString()}`);
    const properties = decodeProperties(record.properties);
    for (const [name, value] of Object.entries(message.fields)) {
      demand(
        properties[name] === value,
        'changed-bytes',
        () => `${where} has ${name} ${properties[name] ?? 'none'}, not ${value}`,
      );
    }
    const kind = topic === TIMER_TOPIC ? 'waiting' : 'delivered';
    const isKnown = known?.message === message && known.kind === kind;
    const entry: Entry = isKnown ? known : { message, kind, physicalOffset };
    this.entries.set(physicalOffset, entry);
    if (isKnown) return;
    this.firstSeenMs.set(entry, nowMs);
    if (kind === 'delivered') this.checkDelivered(record, entry, Number(properties[MessageConst.TIMER_DEQUEUE_MS]));
  }

  private checkDelivered(record: LogRecord, entry: Entry, dequeueMs: number): void {
    const { message } = entry;
    const { physicalOffset, queueId, topic, storeTimestamp } = record;
    this.delivered++;
    demand(
      topic === REAL_TOPIC && queueId === message.realQueueId,
      'wrong-queue',
      () => `${message.toString()} was delivered to ${topic}-${queueId}`,
    );
    demand(message.target === undefined, 'recall-delivered', () => `${message.toString()} was delivered itself`);
    demand(
      dequeueMs >= message.deliverMs && storeTimestamp >= message.deliverMs,
      'early',
      () => `${message.toString()} was delivered at ${Math.min(dequeueMs, storeTimestamp)}`,
    );
    for (const other of this.entries.values()) {
      if (other === entry) continue;
      if (other.message === message && other.kind === 'delivered') {
        // The note of what was delivered, or stored anew, may have gone with the power.
        demand(
          this.powerLossMs >= this.firstSeenOf(message),
          'twice',
          () =>
            `${message.toString()} was delivered at ${other.physicalOffset} and at ${physicalOffset}: ${this.historyOf(message)}`,
        );
      }
      const { acknowledged, target } = other.message;
      if (target !== message || other.kind !== 'waiting' || acknowledged === undefined) continue;
      if (acknowledged.atMs < this.untroubledFromMs) continue;
      demand(
        storeTimestamp - acknowledged.wallMs <= RECALL_LAG_MS,
        'recalled-delivered',
        () => `${message.toString()} was delivered at ${storeTimestamp}, its recall answered at ${acknowledged.wallMs}`,
      );
    }
  }
}
