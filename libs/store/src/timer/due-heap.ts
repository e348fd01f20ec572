/** A message that cancels another. */
export interface Cancellation {
  readonly dueMs: number;
  readonly physicalOffset: number;
  readonly sizeBytes: number;
}

/** A message that waits in memory because it is due soon. */
export interface DueEntry {
  readonly dueMs: number;
  /** Of its unit in the timer log. */
  readonly position: number;
  readonly physicalOffset: number;
  readonly sizeBytes: number;
  readonly magic: number;
}

const NUMBERS = 5;
const FIRST_CAPACITY = 256;

/** Entries by time, at the same ms by their position in the timer log: a binary heap in one array of numbers (40 bytes an entry). */
export class DueHeap {
  private numbers = new Float64Array(FIRST_CAPACITY * NUMBERS);
  private count = 0;

  get size(): number {
    return this.count;
  }

  get memoryBytes(): number {
    return this.numbers.byteLength;
  }

  /** When the first one is due; Infinity without one. */
  get topDueMs(): number {
    return this.count === 0 ? Infinity : this.numbers[0];
  }

  /** Position of the first one; Infinity without one. */
  get topPosition(): number {
    return this.count === 0 ? Infinity : this.numbers[1];
  }

  push(entry: DueEntry): void {
    if ((this.count + 1) * NUMBERS > this.numbers.length) this.resize(this.numbers.length * 2);
    const { numbers } = this;
    let hole = this.count++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!isBefore(entry.dueMs, entry.position, numbers[parent * NUMBERS], numbers[parent * NUMBERS + 1])) break;
      numbers.copyWithin(hole * NUMBERS, parent * NUMBERS, (parent + 1) * NUMBERS);
      hole = parent;
    }
    const at = hole * NUMBERS;
    numbers[at] = entry.dueMs;
    numbers[at + 1] = entry.position;
    numbers[at + 2] = entry.physicalOffset;
    numbers[at + 3] = entry.sizeBytes;
    numbers[at + 4] = entry.magic;
  }

  pop(): DueEntry | undefined {
    if (this.count === 0) return undefined;
    const { numbers } = this;
    const top: DueEntry = {
      dueMs: numbers[0],
      position: numbers[1],
      physicalOffset: numbers[2],
      sizeBytes: numbers[3],
      magic: numbers[4],
    };
    const last = --this.count;
    if (last > 0) this.sink(last);
    if (last * NUMBERS * 4 < numbers.length && numbers.length > FIRST_CAPACITY * NUMBERS)
      this.resize(numbers.length / 2);
    return top;
  }

  /** Puts the entry at index `last` into the hole at the top and lets it sink. */
  private sink(last: number): void {
    const { numbers } = this;
    const dueMs = numbers[last * NUMBERS];
    const position = numbers[last * NUMBERS + 1];
    let hole = 0;
    for (let child = 1; child < last; child = 2 * hole + 1) {
      const right = child + 1;
      if (right < last && this.precedes(right, child)) child = right;
      if (!isBefore(numbers[child * NUMBERS], numbers[child * NUMBERS + 1], dueMs, position)) break;
      numbers.copyWithin(hole * NUMBERS, child * NUMBERS, (child + 1) * NUMBERS);
      hole = child;
    }
    numbers.copyWithin(hole * NUMBERS, last * NUMBERS, (last + 1) * NUMBERS);
  }

  private precedes(a: number, b: number): boolean {
    const { numbers } = this;
    return isBefore(numbers[a * NUMBERS], numbers[a * NUMBERS + 1], numbers[b * NUMBERS], numbers[b * NUMBERS + 1]);
  }

  private resize(length: number): void {
    const larger = new Float64Array(length);
    larger.set(this.numbers.subarray(0, Math.min(length, this.numbers.length)));
    this.numbers = larger;
  }
}

function isBefore(dueMs: number, position: number, otherDueMs: number, otherPosition: number): boolean {
  return dueMs < otherDueMs || (dueMs === otherDueMs && position < otherPosition);
}
