import { decodeMessage, MessageConst, type MessageExt, TIMER_TOPIC } from '@rocknest/protocol';
import type { MessageStore } from '../message-store.js';

const { REAL_TOPIC, TIMER_DEQUEUE_MS, TIMER_ROLL_TIMES, UNIQ_CLIENT_MESSAGE_ID_KEYIDX } = MessageConst;
const MARK = Buffer.from(TIMER_DEQUEUE_MS);

/**
 * What a part of the log has of messages that the timer put there: so a broker that takes up where another run, or its master, stopped without a word knows which
 * messages it need not deliver. A delivered message stands behind the one that waited, has the same contents, and TIMER_DEQUEUE_MS.
 */
export class DeliveredCopies {
  private readonly counts = new Map<string, number>();

  get size(): number {
    return this.counts.size;
  }

  /**
   * Reads the log.
   *
   * @param fromOffset where a record begins.
   */
  static async find(store: MessageStore, fromOffset: number): Promise<DeliveredCopies> {
    const found = new DeliveredCopies();
    await store.replication.scanRecords(fromOffset, (bytes, at, sizeBytes) => {
      found.add(bytes.subarray(at, at + sizeBytes));
    });
    return found;
  }

  /** Notes a record of the log, if the timer put it there. */
  add(record: Buffer): void {
    if (!record.includes(MARK)) return;
    const key = copyKeyOf(decodeMessage(record, 0, { inflate: false }));
    if (key !== undefined) this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }

  /** Whether a copy of the message is there that no other message claimed. */
  take(message: MessageExt, isRoll: boolean): boolean {
    const key = isRoll ? rollKeyOf(message, rollsOf(message) + 1) : contentsKeyOf(message);
    const count = this.counts.get(key) ?? 0;
    if (count === 0) return false;
    if (count === 1) this.counts.delete(key);
    else this.counts.set(key, count - 1);
    return true;
  }
}

/**
 * Where the log must be searched for what was delivered at a time or later: not behind the last message of the timer topic that was stored before it (what is delivered
 * stands behind what waited), nor behind the start of the file of that time.
 */
export async function deliveredFrom(store: MessageStore, timeMs: number): Promise<number> {
  const queueOffset = await store.offsetByTimestamp(TIMER_TOPIC, 0, timeMs, 'LOWER');
  const first = store.minOffset(TIMER_TOPIC, 0);
  const entry = await store.cqEntry(TIMER_TOPIC, 0, Math.max(first, queueOffset - 1));
  if (entry === undefined) return store.maxPhysicalOffset;
  const { segmentSizeBytes } = store.replication;
  let start = store.maxPhysicalOffset - (store.maxPhysicalOffset % segmentSizeBytes);
  for (; start > entry.physicalOffset; start -= segmentSizeBytes) {
    const record = await store.messageByPhysicalOffset(start);
    if (record !== undefined && decodeMessage(record, 0, { inflate: false }).storeTimestamp < timeMs) return start;
  }
  return Math.max(entry.physicalOffset, store.minPhysicalOffset);
}

/** How often a message was stored anew because it was due too far ahead. */
export function rollsOf(message: MessageExt): number {
  return Number(message.properties[TIMER_ROLL_TIMES] ?? 0) || 0;
}

/** What all copies of a message have in common. */
export function contentsKeyOf({ properties, bornTimestamp, bodyCrc }: MessageExt): string {
  return `${properties[REAL_TOPIC] ?? ''}\n${properties[UNIQ_CLIENT_MESSAGE_ID_KEYIDX] ?? ''}\n${bornTimestamp}\n${bodyCrc}`;
}

function copyKeyOf(message: MessageExt): string | undefined {
  const { topic, properties } = message;
  if (properties[TIMER_DEQUEUE_MS] === undefined) return undefined;
  if (topic === TIMER_TOPIC) return rollKeyOf(message, rollsOf(message));
  return topic === properties[REAL_TOPIC] ? contentsKeyOf(message) : undefined;
}

function rollKeyOf(message: MessageExt, rolls: number): string {
  return `${contentsKeyOf(message)}\n${rolls}`;
}
