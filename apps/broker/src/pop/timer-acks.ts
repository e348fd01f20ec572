import type { Clock } from '../clock.js';
import type { BrokerLogger } from '../logger.js';
import type { PoppedMessage } from './check-points.js';
import { isStored, type ReviveLog } from './revive-log.js';

export interface TimerAcksOptions {
  readonly brokerName: string;
  readonly reviveQueueNum: number;
  readonly clock: Clock;
  /** Whether records for the revive topic wait in the timer: a Java broker had the store, and groups popped from it. */
  readonly hasTimed: () => boolean;
  readonly logger: BrokerLogger;
}

/** What the handle of a popped message says beside its check point. */
export interface HandleTimes {
  readonly invisibleTime: number;
  readonly reviveQueueId: number;
}

/**
 * Acknowledgements of messages whose check points a Java broker wrote and the timer still holds. They go by the way that a Java broker sends them: by the
 * timer into the revive topic, where they come right behind their check points.
 */
export class TimerAcks {
  constructor(
    private readonly log: ReviveLog,
    private readonly options: TimerAcksOptions,
  ) {}

  /** Whether a check point that is not pending here may still come from the timer. */
  mayCome({ popTimeMs }: PoppedMessage, { invisibleTime }: HandleTimes): boolean {
    return popTimeMs + invisibleTime > this.options.clock() && this.options.hasTimed();
  }

  put(message: PoppedMessage, times: HandleTimes, queueOffset: number): void {
    const { brokerName, reviveQueueNum, logger } = this.options;
    const reviveQueueId = Math.max(0, times.reviveQueueId) % reviveQueueNum;
    const ack = {
      ackOffsets: [queueOffset],
      startOffset: message.startOffset,
      consumerGroup: message.group,
      topic: message.topic,
      queueId: message.queueId,
      popTime: message.popTimeMs,
      brokerName,
    };
    this.log.putTimedAck(reviveQueueId, ack, message.popTimeMs + times.invisibleTime, (result) => {
      if (isStored(result.status)) return;
      logger.warn(
        `an acknowledgement of group ${message.group} for ${message.topic} was not written (${result.reason ?? result.status}): its message comes again`,
      );
    });
  }
}
