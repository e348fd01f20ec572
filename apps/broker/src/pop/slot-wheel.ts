const NONE = -1;

/**
 * Numbered things by the time at which they are due, in buckets of time. Adding and removing cost the same however many there are; nothing ticks for
 * each. The links between the things of a bucket lie in typed arrays.
 */
export class SlotWheel {
  private readonly heads = new Map<number, number>();
  private nexts: Int32Array;
  private previous: Int32Array;
  /** Bucket of a slot; -1: in none. */
  private ticks: Float64Array;
  /** Everything before this bucket was taken. */
  private from = Infinity;

  constructor(
    private readonly tickMs: number,
    capacity: number,
  ) {
    this.nexts = new Int32Array(capacity);
    this.previous = new Int32Array(capacity);
    this.ticks = new Float64Array(capacity).fill(NONE);
  }

  add(slot: number, dueMs: number): void {
    const tick = Math.max(0, Math.ceil(dueMs / this.tickMs));
    const head = this.heads.get(tick) ?? NONE;
    this.ticks[slot] = tick;
    this.nexts[slot] = head;
    this.previous[slot] = NONE;
    if (head !== NONE) this.previous[head] = slot;
    this.heads.set(tick, slot);
    if (tick < this.from) this.from = tick;
  }

  /** No error for a slot that is in no bucket. */
  remove(slot: number): void {
    const tick = this.ticks[slot];
    if (tick === NONE) return;
    this.ticks[slot] = NONE;
    const next = this.nexts[slot];
    const previous = this.previous[slot];
    if (next !== NONE) this.previous[next] = previous;
    if (previous !== NONE) this.nexts[previous] = next;
    else if (next !== NONE) this.heads.set(tick, next);
    else this.heads.delete(tick);
  }

  /** Takes out up to `limit` slots that are due, the earliest first. */
  due(nowMs: number, limit: number): number[] {
    const slots: number[] = [];
    const last = Math.floor(nowMs / this.tickMs);
    for (const tick of this.dueTicks(last)) {
      for (let slot = this.heads.get(tick) ?? NONE; slot !== NONE; slot = this.heads.get(tick) ?? NONE) {
        if (slots.length === limit) return slots;
        this.remove(slot);
        slots.push(slot);
      }
    }
    this.from = Math.max(this.from === Infinity ? 0 : this.from, last + 1);
    return slots;
  }

  grow(capacity: number): void {
    const { nexts, previous, ticks } = this;
    this.nexts = new Int32Array(capacity);
    this.nexts.set(nexts);
    this.previous = new Int32Array(capacity);
    this.previous.set(previous);
    this.ticks = new Float64Array(capacity).fill(NONE);
    this.ticks.set(ticks);
  }

  /** Buckets up to `last`, in order. After a long pause it is cheaper to look at the buckets there are than to count through the time. */
  private dueTicks(last: number): number[] {
    if (this.from > last) return [];
    const ticks: number[] = [];
    if (last - this.from > this.heads.size) {
      for (const tick of this.heads.keys()) if (tick <= last) ticks.push(tick);
      return ticks.sort((a, b) => a - b);
    }
    for (let tick = this.from; tick <= last; tick++) if (this.heads.has(tick)) ticks.push(tick);
    return ticks;
  }
}
