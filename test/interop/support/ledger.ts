import { differenceOf, indexOf, type ReceivedMessage } from './expected-message.js';
import { expect } from 'vitest';

const EXAMPLES = 5;

/** What a group of our own consumers received: which numbers, how often, with what differences. */
export class Ledger {
  private readonly counts = new Map<number, number>();
  private readonly differences: string[] = [];
  private foreign = 0;
  deliveries = 0;

  constructor(private readonly seed: string) {}

  add(message: ReceivedMessage): void {
    this.deliveries++;
    const index = indexOf(message, this.seed);
    if (index < 0) {
      this.foreign++;
      return;
    }
    const difference = differenceOf(message, this.seed, index);
    if (difference !== undefined && this.differences.length < EXAMPLES)
      this.differences.push(`message ${index}: ${difference}`);
    this.counts.set(index, (this.counts.get(index) ?? 0) + 1);
  }

  get distinct(): number {
    return this.counts.size;
  }

  get duplicates(): number {
    return this.deliveries - this.foreign - this.counts.size;
  }

  has(index: number): boolean {
    return this.counts.has(index);
  }

  /** Messages 0 to `count` - 1 arrived, nothing else did, and nothing was changed. */
  expectComplete(count: number): void {
    const missing: number[] = [];
    for (let index = 0; index < count && missing.length < EXAMPLES; index++)
      if (!this.counts.has(index)) missing.push(index);
    expect(missing, 'first missing messages').toEqual([]);
    expect(this.distinct).toBe(count);
    this.expectUnchanged();
  }

  /** Whatever arrived is of this test, and as it was sent. */
  expectUnchanged(): void {
    expect(this.foreign, 'messages of another test').toBe(0);
    expect(this.differences).toEqual([]);
  }
}
