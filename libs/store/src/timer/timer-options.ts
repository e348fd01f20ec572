import type { Clock } from '../io/clock.js';
import type { FileSystem } from '../io/file-system.js';
import type { StoreLogger } from '../types.js';

export interface TimerOptions {
  /** The store's folder: `timerwheel`, `timerlog` and `config/timercheck` are in it. */
  readonly rootPath: string;
  readonly fileSystem?: FileSystem;
  readonly clock?: Clock;
  readonly logger: StoreLogger;
  /** Size of a file of the timer log (RocketMQ: mappedFileSizeTimerLog, 100 MiB). */
  readonly logFileSizeBytes?: number;
  /** How often what happened is brought to stable storage (timerFlushIntervalMs, 1,000). */
  readonly flushIntervalMs?: number;
  /**
   * Messages due later than this wait in steps: after each they are stored anew, so that retention never meets them (timerRollWindowSlot, 2 days). Must stay
   * below the time for which the log is kept.
   */
  readonly rollWindowMs?: number;
  /** Messages due in one second, past which more and more are refused, and at twice of it all (timerCongestNumEachSlot). */
  readonly maxMessagesPerSlot?: number;
}
