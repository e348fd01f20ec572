import type { Clock, Timer } from '@rocknest/store';

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Simulated time: events in order, one after the other, with all promises settled in between. */
export class SimTime {
  nowMs = 0;
  private events: Event[] = [];
  private order = 0;

  at(delayMs: number, run: () => void): Timer {
    const event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.order++, run };
    this.events.push(event);
    for (let i = this.events.length - 1; i > 0;) {
      const parent = (i - 1) >> 1;
      if (!isBefore(this.events[i], this.events[parent])) break;
      [this.events[i], this.events[parent]] = [this.events[parent], this.events[i]];
      i = parent;
    }
    let cancelled = false;
    cancelledEvents.set(event, () => cancelled);
    return { cancel: () => (cancelled = true) };
  }

  async runUntil(untilMs: number): Promise<void> {
    while (this.events.length > 0 && this.events[0].atMs <= untilMs) {
      const event = this.pop();
      this.nowMs = event.atMs;
      if (cancelledEvents.get(event)?.() === true) continue;
      event.run();
      for (let turns = 0; turns < SETTLE_TURNS; turns++) await Promise.resolve();
    }
    this.nowMs = untilMs;
  }

  private pop(): Event {
    const { events } = this;
    const first = events[0];
    const last = events.pop()!;
    if (events.length === 0) return first;
    events[0] = last;
    for (let i = 0; ;) {
      let smallest = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < events.length && isBefore(events[child], events[smallest])) smallest = child;
      if (smallest === i) return first;
      [events[i], events[smallest]] = [events[smallest], events[i]];
      i = smallest;
    }
  }
}

/** Longer than any chain of promises in what is simulated. */
const SETTLE_TURNS = 24;
const cancelledEvents = new WeakMap<Event, () => boolean>();

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/**
 * The clock and the event loop of one member: it can be paused (SIGSTOP: its clock goes on), suspended (its clock stands still, too), run a little too
 * fast or slow, and die, with which all that it had planned is gone.
 */
export class SimMemberTime implements Clock {
  private pausedUntilMs = -1;
  private suspendedMs = 0;
  private lives = 0;

  constructor(
    private readonly time: SimTime,
    private readonly rate: number,
  ) {}

  get isPaused(): boolean {
    return this.time.nowMs < this.pausedUntilMs;
  }

  /** What was planned in an earlier life does not happen. */
  die(): void {
    this.lives++;
  }

  pause(durationMs: number, clockStands: boolean): void {
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.time.nowMs + durationMs);
    if (clockStands) this.suspendedMs += durationMs;
  }

  /** Which life of the member this is. */
  get life(): number {
    return this.lives;
  }

  /** Runs this in one life of the member, this one by default, when it is not paused. */
  plan(delayMs: number, run: () => void, life = this.lives): Timer {
    let inner: Timer | undefined;
    let cancelled = false;
    const fire = (): void => {
      if (life !== this.lives || cancelled) return;
      if (this.isPaused) inner = this.time.at(this.pausedUntilMs - this.time.nowMs, fire);
      else run();
    };
    inner = this.time.at(delayMs, fire);
    return {
      cancel: () => {
        cancelled = true;
        inner?.cancel();
      },
    };
  }

  nowMs(): number {
    return this.monotonicMs();
  }

  monotonicMs(): number {
    return (this.time.nowMs - this.suspendedMs) * this.rate;
  }

  defer(callback: () => void): void {
    this.plan(0, callback);
  }

  startTimer(callback: () => void, delayMs: number): Timer {
    return this.plan(delayMs / this.rate, callback);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.startTimer(resolve, delayMs));
  }
}
