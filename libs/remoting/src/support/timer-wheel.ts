import { TIMER_SLOTS, TIMER_TICK_MS } from '../defaults.js';

/** Something with a time-out. It is itself the list element, so that starting and stopping a time-out allocates nothing. */
export abstract class TimerEntry {
  /** @internal */ wheelNext: TimerEntry | undefined = undefined;
  /** @internal */ wheelPrevious: TimerEntry | undefined = undefined;
  /** @internal */ wheelTick = -1;

  /** Called once, in a later turn of the event loop, when the time is over. Must not throw. */
  abstract onTimeout(): void;
}

export interface TimerWheelOptions {
  tickMs?: number;
  /** A power of two. */
  slots?: number;
  /** A clock that never goes back, in milliseconds. */
  now?: () => number;
}

const NEVER = Number.MAX_SAFE_INTEGER;

/**
 * One timer for any number of time-outs: a request costs no timer of its own. Adding and removing take constant time; the
 * wheel sleeps until the first slot that holds something, so an idle process is not woken. Time-outs come at most one
 * tick late, never early.
 */
export class TimerWheel {
  private readonly tickMs: number;
  private readonly mask: number;
  private readonly heads: (TimerEntry | undefined)[];
  private readonly now: () => number;
  private readonly startMs: number;
  private count = 0;
  /** All slots up to this tick are done. */
  private doneTick = 0;
  /** The wall clock's millisecond that an entry was last added in, and the time then. */
  private lastWallMs = -1;
  private lastNow = 0;
  private wakeTick = NEVER;
  private timer: NodeJS.Timeout | undefined = undefined;
  private readonly wake = (): void => this.onWake();
  private readonly expire = (): void => this.runDue();

  constructor(options: TimerWheelOptions = {}) {
    const slots = options.slots ?? TIMER_SLOTS;
    this.tickMs = options.tickMs ?? TIMER_TICK_MS;
    this.mask = slots - 1;
    this.heads = new Array<TimerEntry | undefined>(slots).fill(undefined);
    this.now = options.now ?? (() => performance.now());
    this.startMs = this.now();
  }

  /** Time-outs that run. */
  get size(): number {
    return this.count;
  }

  /**
   * Starts the time-out of an entry that has none running.
   *
   * @param wallMs `Date.now()` when the caller has just read it: many entries of one millisecond read the clock once. They may come up to
   *   one millisecond later for it.
   */
  add(entry: TimerEntry, delayMs: number, wallMs = -1): void {
    const nowTick = (this.nowIn(wallMs) - this.startMs) / this.tickMs;
    // An idle wheel has stood still: there is nothing to be found in the slots it slept through.
    if (this.count === 0) this.doneTick = Math.floor(nowTick);
    const tick = Math.max(Math.ceil(nowTick + delayMs / this.tickMs), this.doneTick + 1);
    const slot = tick & this.mask;
    const head = this.heads[slot];
    entry.wheelTick = tick;
    entry.wheelPrevious = undefined;
    entry.wheelNext = head;
    if (head !== undefined) head.wheelPrevious = entry;
    this.heads[slot] = entry;
    this.count++;
    if (tick < this.wakeTick) this.sleepUntil(tick);
  }

  /** Stops the time-out; does nothing when none runs. */
  remove(entry: TimerEntry): void {
    const tick = entry.wheelTick;
    if (tick < 0) return;
    entry.wheelTick = -1;
    const { wheelNext: next, wheelPrevious: previous } = entry;
    if (previous === undefined) this.heads[tick & this.mask] = next;
    else previous.wheelNext = next;
    if (next !== undefined) next.wheelPrevious = previous;
    entry.wheelNext = undefined;
    entry.wheelPrevious = undefined;
    this.count--;
  }

  private nowIn(wallMs: number): number {
    if (wallMs < 0) return this.now();
    if (wallMs !== this.lastWallMs) {
      this.lastWallMs = wallMs;
      // The end of the millisecond at the latest: never early for those that follow.
      this.lastNow = this.now() + 1;
    }
    return this.lastNow;
  }

  private sleepUntil(tick: number): void {
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.wakeTick = tick;
    const delayMs = Math.max(1, Math.ceil(this.startMs + tick * this.tickMs - this.now()));
    this.timer = setTimeout(this.wake, delayMs);
    // Whoever waits for a request holds a socket, and that keeps the process alive.
    this.timer.unref();
  }

  private onWake(): void {
    this.timer = undefined;
    // After a long stall of the event loop answers may lie in the sockets unread: they are read before this runs.
    setImmediate(this.expire);
  }

  private runDue(): void {
    const nowTick = Math.floor((this.now() - this.startMs) / this.tickMs);
    const first = Math.max(this.doneTick + 1, nowTick - this.mask);
    this.doneTick = nowTick;
    // An entry added by a callback must be able to set the next wake-up, and one set meanwhile by add() stays the earliest.
    this.wakeTick = this.timer === undefined ? NEVER : this.wakeTick;
    for (let tick = first; tick <= nowTick; tick++) this.runSlot(tick & this.mask, nowTick);
    this.sleepUntilNext(nowTick);
  }

  private runSlot(slot: number, nowTick: number): void {
    // Taken off first, called afterwards: a callback may add to or remove from the same slot.
    let due: TimerEntry[] | undefined;
    for (let entry = this.heads[slot]; entry !== undefined; entry = entry.wheelNext) {
      if (entry.wheelTick <= nowTick) (due ??= []).push(entry);
    }
    if (due === undefined) return;
    for (const entry of due) {
      if (entry.wheelTick < 0 || entry.wheelTick > nowTick) continue;
      this.remove(entry);
      entry.onTimeout();
    }
  }

  private sleepUntilNext(nowTick: number): void {
    if (this.count === 0) return;
    const last = Math.min(nowTick + this.mask + 1, this.wakeTick - 1);
    for (let tick = nowTick + 1; tick <= last; tick++) {
      if (this.heads[tick & this.mask] !== undefined) {
        this.sleepUntil(tick);
        return;
      }
    }
  }
}

/** The wheel of this process. */
export const sharedTimerWheel = new TimerWheel();
