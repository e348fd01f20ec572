/** Which half messages of a range of queue offsets are ended: a bit for each. */
export class HalfMarks {
  private readonly bits: Uint8Array;

  /** Offsets from `start` up to and without `end`. */
  constructor(
    readonly start: number,
    readonly end: number,
  ) {
    this.bits = new Uint8Array(Math.ceil((end - start) / 8));
  }

  /** Marks an offset; one outside of the range is not kept. */
  add(queueOffset: number): void {
    const at = queueOffset - this.start;
    if (at >= 0 && queueOffset < this.end) this.bits[at >>> 3] |= 1 << (at & 7);
  }

  has(queueOffset: number): boolean {
    const at = queueOffset - this.start;
    return at >= 0 && queueOffset < this.end && (this.bits[at >>> 3] & (1 << (at & 7))) !== 0;
  }

  /** The first offset from here on that is not marked; `end` when there is none. */
  nextOpen(from: number): number {
    let offset = from;
    while (offset < this.end) {
      const at = offset - this.start;
      if ((at & 7) === 0 && this.bits[at >>> 3] === 0xff) offset += 8;
      else if (this.has(offset)) offset++;
      else return offset;
    }
    return this.end;
  }
}
