import type { DelayedMessageReader, DelayedMessageSink, DelayOffsets, ScheduleClock } from './ports.js';
import { systemClock } from './ports.js';
import { LevelWorker } from './level-worker.js';

export interface ScheduleMessageServiceOptions {
  /** Delay of each level in milliseconds, index 0 is level 1. */
  delayLevelsMs: readonly number[];
  reader: DelayedMessageReader;
  sink: DelayedMessageSink;
  offsets: DelayOffsets;
  onError: (level: number, error: unknown) => void;
  clock?: ScheduleClock;
}

/**
 * The 18 delay levels: delivers what rests in SCHEDULE_TOPIC_XXXX to the topic it was meant for when its time has come.
 * They pace the retries of failed messages and serve `delayTimeLevel` of producers.
 *
 * Source: `broker/schedule/ScheduleMessageService.java`.
 */
export class ScheduleMessageService {
  private readonly workers: readonly LevelWorker[];

  constructor(options: ScheduleMessageServiceOptions) {
    const { reader, sink, offsets, onError, clock = systemClock } = options;
    this.workers = options.delayLevelsMs.map(
      (delayMs, index) => new LevelWorker(index + 1, delayMs, reader, sink, offsets, clock, onError),
    );
  }

  start(): void {
    for (const worker of this.workers) worker.wake();
  }

  /** A message arrived in queue `queueId` of SCHEDULE_TOPIC_XXXX; queue ids are levels less 1. */
  onArrival(queueId: number): void {
    this.workers[queueId]?.wake();
  }

  /** Stops after the deliveries under way; offsets stand behind what was delivered. */
  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop()));
  }
}
