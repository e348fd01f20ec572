import type { Clock, Timer } from '../io/clock.js';
import { SimCrashError } from './sim-crash.js';
import type { SimProcess } from './sim-host.js';

/** 2025-01-01: where the wall clock of a world starts. */
const EPOCH_MS = 1_735_689_600_000;

/** The clock of one process, on the world's time. What a dead process waits for never comes. */
export class SimClock implements Clock {
  /** Timers and deferred calls that wait, and who started them as far as a trace is kept. */
  readonly waiting = new Map<object, string>();

  constructor(private readonly process: SimProcess) {}

  nowMs(): number {
    const { world, wallOffsetMs } = this.process.host;
    return EPOCH_MS + Math.floor(world.nowMs) + wallOffsetMs;
  }

  monotonicMs(): number {
    return this.process.host.world.nowMs;
  }

  defer(callback: () => void): void {
    this.start(0, callback);
  }

  startTimer(callback: () => void, delayMs: number): Timer {
    // Node's timers are late, never early, and have no fractions.
    const lateMs = this.process.host.world.random.float();
    return this.start(Math.max(1, Math.floor(delayMs)) + lateMs, callback);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.startTimer(resolve, delayMs);
    });
  }

  private start(delayMs: number, callback: () => void): Timer {
    const isTraced = this.process.host.world.onOperation !== undefined;
    const key = {};
    this.waiting.set(key, isTraced ? (new Error(`${delayMs} ms`).stack ?? '') : `${delayMs} ms`);
    let isOver = false;
    const task = this.process.host.world.schedule(delayMs, () => {
      isOver = true;
      if (!this.process.isAlive) return;
      this.waiting.delete(key);
      try {
        callback();
      } catch (error) {
        if (!(error instanceof SimCrashError)) throw error;
      }
    });
    return {
      cancel: () => {
        if (isOver) return;
        isOver = true;
        task.cancelled = true;
        this.waiting.delete(key);
      },
    };
  }
}
