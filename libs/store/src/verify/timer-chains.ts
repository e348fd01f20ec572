import { MAGIC_DELETE, SLOT_MS, slotOf, type TimerUnit, WHEEL_SLOTS } from '../timer/timer-layout.js';

/** The chain of units of one second, as the timer log has it. */
export interface TimerChain {
  readonly slotMs: number;
  /** Position of the oldest unit. */
  readonly first: number;
  /** Position of the newest. */
  readonly last: number;
  /** Messages: recalls count -1. */
  readonly count: number;
  /** A chain was begun before and given up: the wheel may count its units, or not. */
  readonly isBegunAnew: boolean;
}

/**
 * What the slots of the wheel must say, found by going over the timer log from its start: 29 MB, whatever the log holds. A slot knows its latest
 * second only, as the wheel does.
 */
export class TimerChains {
  private readonly seconds = new Float64Array(WHEEL_SLOTS).fill(-1);
  private readonly firsts = new Float64Array(WHEEL_SLOTS);
  private readonly lasts = new Float64Array(WHEEL_SLOTS);
  private readonly counts = new Int32Array(WHEEL_SLOTS);
  private readonly begunAnew = new Uint8Array(WHEEL_SLOTS);

  /**
   * Takes the next unit of the log.
   *
   * @returns position of the unit that must be before it in its chain; undefined when it fits.
   */
  add(position: number, { dueMs, magic, previous }: TimerUnit, logStart: number): number | undefined {
    const second = slotOf(dueMs) / SLOT_MS;
    const index = indexOf(second);
    const change = (magic & MAGIC_DELETE) === 0 ? 1 : -1;
    const isKnown = this.seconds[index] === second;
    const expected = isKnown ? this.lasts[index] : -1;
    if (!isKnown || previous < logStart) {
      this.begunAnew[index] = isKnown ? 1 : 0;
      this.seconds[index] = second;
      this.firsts[index] = position;
      this.counts[index] = 0;
    }
    this.lasts[index] = position;
    this.counts[index] += change;
    const isFitting = isKnown ? previous === expected : previous < logStart;
    return isFitting ? undefined : expected;
  }

  /** The chain of a second, or undefined when the log has none of it. */
  of(slotMs: number): TimerChain | undefined {
    const index = indexOf(slotMs / SLOT_MS);
    return this.seconds[index] === slotMs / SLOT_MS ? this.at(index) : undefined;
  }

  /** The latest chain at a place of the wheel, or undefined. */
  atIndex(index: number): TimerChain | undefined {
    return this.seconds[index] >= 0 ? this.at(index) : undefined;
  }

  /** True for a unit whose chain was given up: its message has another one, or is delivered. */
  isReplaced(position: number, dueMs: number): boolean {
    const chain = this.of(slotOf(dueMs));
    return chain !== undefined && position < chain.first;
  }

  private at(index: number): TimerChain {
    return {
      slotMs: this.seconds[index] * SLOT_MS,
      first: this.firsts[index],
      last: this.lasts[index],
      count: this.counts[index],
      isBegunAnew: this.begunAnew[index] === 1,
    };
  }
}

function indexOf(second: number): number {
  return second >= 0 ? second % WHEEL_SLOTS : 0;
}
