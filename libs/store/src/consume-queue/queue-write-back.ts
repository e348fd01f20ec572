import type { Clock } from '../io/clock.js';
import type { ConsumeQueue } from './consume-queue.js';
import type { ConsumeQueueStore } from './consume-queue-store.js';

export interface QueueWriteBackOptions {
  /** With more queues to write than this, entries are held back. */
  readonly holdBackQueues: number;
  readonly holdBackMs: number;
  /** Entries held back at most, all queues together. */
  readonly holdBackEntries: number;
  /** With no message for this long nothing is held back. */
  readonly quietMs: number;
  readonly sliceMs: number;
  readonly pauseMs: number;
}

/**
 * Decides when queue entries go to their files. A few queues are written as soon as they are looked at. Thousands would cost a write for
 * almost each message, so theirs are collected until they are worth it: the log has the messages, and the queue table the entries.
 */
export class QueueWriteBack {
  private running: Promise<void> | undefined = undefined;

  constructor(
    private readonly options: QueueWriteBackOptions,
    private readonly queues: ConsumeQueueStore,
    private readonly clock: Clock,
  ) {}

  /** More queues have something to write than are written at once. */
  get holdsBack(): boolean {
    return this.queues.unwrittenQueues.size > this.options.holdBackQueues;
  }

  /** Writes what is due, in slices of time; one pass at a time. Rejects with what the file system says; nothing is lost then. */
  run(): Promise<void> {
    this.running ??= this.pass().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async pass(): Promise<void> {
    const { queues, clock, options } = this;
    if (!this.holdsBack) return queues.writeAll();
    let failed = false;
    let untilMs = clock.monotonicMs() + options.sliceMs;
    // The oldest come first, and a queue that gets new entries goes to the end: what is not due ends the pass.
    for (const queue of queues.unwrittenQueues) {
      if (failed || !this.isDue(queue)) break;
      failed = !queues.writeQueue(queue);
      if (clock.monotonicMs() < untilMs) continue;
      await clock.sleep(this.isUrgent ? 0 : options.pauseMs);
      untilMs = clock.monotonicMs() + options.sliceMs;
    }
    const failure = queues.writeFailure;
    if (!failed) queues.writeFailure = undefined;
    else if (failure !== undefined) throw failure;
  }

  private isDue(queue: ConsumeQueue): boolean {
    const { queues, options } = this;
    const nowMs = this.clock.monotonicMs();
    if (queues.unwrittenEntries > options.holdBackEntries) return true;
    return queue.unwrittenSinceMs <= nowMs - options.holdBackMs || queues.lastAppendMs <= nowMs - options.quietMs;
  }

  /** Far more is held back than should be. */
  private get isUrgent(): boolean {
    return this.queues.unwrittenEntries > this.options.holdBackEntries * 1.25;
  }
}
