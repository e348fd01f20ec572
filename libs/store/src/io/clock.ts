/** Time and the event loop, as an interface: a simulator turns them by hand. */
export interface Clock {
  /** Wall clock in ms since 1970: what STORETIMESTAMP gets. */
  nowMs(): number;
  /** A clock that never goes back, in ms with fractions: for durations. */
  monotonicMs(): number;
  /** Runs `callback` once the events of this loop turn have been handled (`setImmediate`). */
  defer(callback: () => void): void;
  /** Runs `callback` after `delayMs`. A pending timer never keeps the process alive. */
  startTimer(callback: () => void, delayMs: number): Timer;
  /** Resolves after `delayMs`, and keeps the process alive until then. */
  sleep(delayMs: number): Promise<void>;
}

export interface Timer {
  cancel(): void;
}

/** The clock of the machine. */
export class SystemClock implements Clock {
  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  startTimer(callback: () => void, delayMs: number): Timer {
    const handle = setTimeout(callback, delayMs);
    handle.unref();
    return {
      cancel: () => {
        clearTimeout(handle);
      },
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, delayMs);
    });
  }
}
