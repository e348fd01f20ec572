import { SlotWheel } from './slot-wheel.js';

/** A check point that is to be added. */
export interface NewCheckPoint {
  /** Number of the pop queue (`PopQueue.ref`). */
  readonly queueRef: number;
  readonly startOffset: number;
  readonly popTimeMs: number;
  readonly invisibleMs: number;
  readonly reviveQueueId: number;
  /** 1 to 32. */
  readonly count: number;
  /** Distances of the messages from `startOffset`; undefined: one behind the other. */
  readonly diffs: readonly number[] | undefined;
  /** Bit i: message i is acknowledged already. */
  readonly ackedBits: number;
  /** How often it was tried in vain to move its messages. */
  readonly attempts: number;
}

const NONE = -1;
const FIRST_CAPACITY = 1_024;

/**
 * The pending check points of the broker: popped messages that are not acknowledged yet. Numbers in typed arrays, some 60 bytes for each, because
 * there may be a million; found by queue, first offset and pop time, as acknowledgements name them, and by the end of their invisible time.
 *
 * A slot is the number of a check point; it is used again once the check point is removed, with another `serial`.
 */
export class CheckPointTable {
  private capacity = FIRST_CAPACITY;
  private queueRefs = new Int32Array(FIRST_CAPACITY);
  private startOffsets = new Float64Array(FIRST_CAPACITY);
  private popTimes = new Float64Array(FIRST_CAPACITY);
  private invisibles = new Float64Array(FIRST_CAPACITY);
  private serials = new Float64Array(FIRST_CAPACITY);
  private reviveOffsets = new Float64Array(FIRST_CAPACITY);
  private acked = new Int32Array(FIRST_CAPACITY);
  private logged = new Int32Array(FIRST_CAPACITY);
  private reviveQueueIds = new Uint16Array(FIRST_CAPACITY);
  private counts = new Uint8Array(FIRST_CAPACITY);
  private attempts = new Uint8Array(FIRST_CAPACITY);
  private nexts = new Int32Array(FIRST_CAPACITY);
  private buckets = new Int32Array(FIRST_CAPACITY).fill(NONE);
  private readonly wheel: SlotWheel;
  private readonly diffs = new Map<number, Int32Array>();
  private free: number[] = [];
  private used = 0;
  private count = 0;
  private lastSerial = 0;

  /** @param maxCount check points held at most. @param tickMs how exactly ends of invisible times are kept. */
  constructor(
    private readonly maxCount: number,
    tickMs: number,
  ) {
    this.wheel = new SlotWheel(tickMs, FIRST_CAPACITY);
  }

  get size(): number {
    return this.count;
  }

  get isFull(): boolean {
    return this.count >= this.maxCount;
  }

  /**
   * @param beyondLimit also when the table is full: what is pending in the log must not be left out at a start.
   * @returns the slot; -1 when the table is full or holds this check point already.
   */
  add(ck: NewCheckPoint, beyondLimit = false): number {
    if ((this.isFull && !beyondLimit) || this.find(ck.queueRef, ck.startOffset, ck.popTimeMs) !== NONE) return NONE;
    const slot = this.free.pop() ?? this.nextSlot();
    this.queueRefs[slot] = ck.queueRef;
    this.startOffsets[slot] = ck.startOffset;
    this.popTimes[slot] = ck.popTimeMs;
    this.invisibles[slot] = ck.invisibleMs;
    this.serials[slot] = ++this.lastSerial;
    this.reviveOffsets[slot] = NONE;
    this.acked[slot] = ck.ackedBits;
    this.logged[slot] = ck.ackedBits;
    this.reviveQueueIds[slot] = ck.reviveQueueId;
    this.counts[slot] = ck.count;
    this.attempts[slot] = Math.min(ck.attempts, 255);
    if (ck.diffs !== undefined && !isRow(ck.diffs)) this.diffs.set(slot, Int32Array.from(ck.diffs));
    this.link(slot);
    this.wheel.add(slot, ck.popTimeMs + ck.invisibleMs);
    this.count++;
    return slot;
  }

  /** @returns the slot, or -1. */
  find(queueRef: number, startOffset: number, popTimeMs: number): number {
    let slot = this.buckets[this.bucketOf(queueRef, startOffset, popTimeMs)];
    while (slot !== NONE) {
      const same =
        this.startOffsets[slot] === startOffset &&
        this.popTimes[slot] === popTimeMs &&
        this.queueRefs[slot] === queueRef;
      if (same) return slot;
      slot = this.nexts[slot];
    }
    return NONE;
  }

  remove(slot: number): void {
    this.wheel.remove(slot);
    this.unlink(slot);
    this.diffs.delete(slot);
    this.serials[slot] = 0;
    this.free.push(slot);
    this.count--;
  }

  /** True while the slot still holds the check point that had this serial. */
  isCurrent(slot: number, serial: number): boolean {
    return this.serials[slot] === serial;
  }

  /** Takes up to `limit` check points whose invisible time is over. They stay in the table, but are due only when scheduled again. */
  due(nowMs: number, limit: number): number[] {
    return this.wheel.due(nowMs, limit);
  }

  reschedule(slot: number, dueMs: number): void {
    this.wheel.remove(slot);
    this.wheel.add(slot, dueMs);
  }

  /** Place of a queue offset among the check point's messages, or -1. */
  indexOf(slot: number, queueOffset: number): number {
    const distance = queueOffset - this.startOffsets[slot];
    const diffs = this.diffs.get(slot);
    if (diffs !== undefined) return diffs.indexOf(distance);
    return distance >= 0 && distance < this.counts[slot] ? distance : NONE;
  }

  offsetAt(slot: number, index: number): number {
    return this.startOffsets[slot] + (this.diffs.get(slot)?.[index] ?? index);
  }

  /** @returns false when the message was acknowledged before. */
  acknowledge(slot: number, index: number): boolean {
    const bit = 1 << index;
    if ((this.acked[slot] & bit) !== 0) return false;
    this.acked[slot] |= bit;
    return true;
  }

  isAcknowledged(slot: number, index: number): boolean {
    return (this.acked[slot] & (1 << index)) !== 0;
  }

  /** All messages are acknowledged. */
  isDone(slot: number): boolean {
    const count = this.counts[slot];
    const all = count === 32 ? -1 : (1 << count) - 1;
    return (this.acked[slot] & all) === all;
  }

  /** Places of the acknowledged messages of which the revive log does not know yet; from now on they count as known. */
  takeUnlogged(slot: number): number[] {
    const bits = this.acked[slot] & ~this.logged[slot];
    this.logged[slot] = this.acked[slot];
    return indexesOf(bits, this.counts[slot]);
  }

  /** The acknowledged messages are to be told the revive log again: telling it failed. */
  forgetLogged(slot: number, indexes: readonly number[]): void {
    for (const index of indexes) this.logged[slot] &= ~(1 << index);
  }

  hasUnlogged(slot: number): boolean {
    return (this.acked[slot] & ~this.logged[slot]) !== 0;
  }

  /** The check point stands in the revive log at this offset of its revive queue, with what is acknowledged so far. */
  setLogged(slot: number, reviveOffset: number, ackedBits: number): void {
    this.reviveOffsets[slot] = reviveOffset;
    this.logged[slot] = ackedBits;
  }

  /** The check points of some queues; looks at all there are. */
  slotsOf(queueRefs: ReadonlySet<number>): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < this.used; slot++) {
      if (this.serials[slot] !== 0 && queueRefs.has(this.queueRefs[slot])) slots.push(slot);
    }
    return slots;
  }

  queueRefOf(slot: number): number {
    return this.queueRefs[slot];
  }

  startOffsetOf(slot: number): number {
    return this.startOffsets[slot];
  }

  popTimeMsOf(slot: number): number {
    return this.popTimes[slot];
  }

  invisibleMsOf(slot: number): number {
    return this.invisibles[slot];
  }

  serialOf(slot: number): number {
    return this.serials[slot];
  }

  /** Offset of its record in its revive queue; -1 when it was not written. */
  reviveOffsetOf(slot: number): number {
    return this.reviveOffsets[slot];
  }

  reviveQueueIdOf(slot: number): number {
    return this.reviveQueueIds[slot];
  }

  countOf(slot: number): number {
    return this.counts[slot];
  }

  ackedBitsOf(slot: number): number {
    return this.acked[slot];
  }

  attemptsOf(slot: number): number {
    return this.attempts[slot];
  }

  addAttempt(slot: number): void {
    if (this.attempts[slot] < 255) this.attempts[slot]++;
  }

  /** How many of its messages are not acknowledged. */
  pendingOf(slot: number): number {
    return this.counts[slot] - indexesOf(this.acked[slot], this.counts[slot]).length;
  }

  private nextSlot(): number {
    if (this.used === this.capacity) this.grow();
    return this.used++;
  }

  private grow(): void {
    this.capacity *= 2;
    const wider = <T extends Int32Array | Float64Array | Uint16Array | Uint8Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    const { capacity } = this;
    this.queueRefs = wider(this.queueRefs, new Int32Array(capacity));
    this.startOffsets = wider(this.startOffsets, new Float64Array(capacity));
    this.popTimes = wider(this.popTimes, new Float64Array(capacity));
    this.invisibles = wider(this.invisibles, new Float64Array(capacity));
    this.serials = wider(this.serials, new Float64Array(capacity));
    this.reviveOffsets = wider(this.reviveOffsets, new Float64Array(capacity));
    this.acked = wider(this.acked, new Int32Array(capacity));
    this.logged = wider(this.logged, new Int32Array(capacity));
    this.reviveQueueIds = wider(this.reviveQueueIds, new Uint16Array(capacity));
    this.counts = wider(this.counts, new Uint8Array(capacity));
    this.attempts = wider(this.attempts, new Uint8Array(capacity));
    this.nexts = new Int32Array(capacity);
    this.buckets = new Int32Array(capacity).fill(NONE);
    this.wheel.grow(capacity);
    for (let slot = 0; slot < this.used; slot++) if (this.serials[slot] !== 0) this.link(slot);
  }

  private link(slot: number): void {
    const bucket = this.bucketOf(this.queueRefs[slot], this.startOffsets[slot], this.popTimes[slot]);
    this.nexts[slot] = this.buckets[bucket];
    this.buckets[bucket] = slot;
  }

  private unlink(slot: number): void {
    const bucket = this.bucketOf(this.queueRefs[slot], this.startOffsets[slot], this.popTimes[slot]);
    let at = this.buckets[bucket];
    if (at === slot) {
      this.buckets[bucket] = this.nexts[slot];
      return;
    }
    while (this.nexts[at] !== slot) at = this.nexts[at];
    this.nexts[at] = this.nexts[slot];
  }

  private bucketOf(queueRef: number, startOffset: number, popTimeMs: number): number {
    let hash = Math.imul(queueRef ^ (startOffset | 0), 0x9e3779b1);
    hash = Math.imul(hash ^ ((popTimeMs % 0x7fffffff) | 0) ^ (hash >>> 15), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) & (this.capacity - 1);
  }
}

function indexesOf(bits: number, count: number): number[] {
  const indexes: number[] = [];
  for (let i = 0; i < count; i++) if ((bits & (1 << i)) !== 0) indexes.push(i);
  return indexes;
}

function isRow(diffs: readonly number[]): boolean {
  return diffs.every((diff, index) => diff === index);
}
