import { MessageConst, MessageSysFlag, ResponseCode, SCHEDULE_TOPIC } from '@rocknest/protocol';
import { RequestRefusedError } from '../errors.js';
import type { PropertyFacts } from './property-facts.js';
import type { PropertyEdits } from './property-completer.js';

/** The properties of a message are counted in an int16 on disk. */
export const MAX_PROPERTIES_LENGTH = 32_767;

export interface MessageRulesOptions {
  readonly maxMessageSizeBytes: number;
  /** How many delay levels there are. */
  readonly maxDelayLevel: number;
  /** Stands in remarks: the address that RocketMQ prints there (`brokerIP1`). */
  readonly brokerIp: string;
}

/** Where a message is stored: its own topic, or another one that stands for a delay or a dead end. */
export interface Destination {
  readonly topic: string;
  readonly queueId: number;
  /** Properties to change; undefined when there are none. */
  readonly edits: PropertyEdits | undefined;
}

/**
 * The rules that a single message must keep, beyond those of its topic, and the rewrite of a delayed message.
 *
 * Follows `broker/util/HookUtils.java` (`checkBeforePutMessage`, `handleScheduleMessage`, `transformDelayLevelMessage`).
 */
export class MessageRules {
  constructor(private readonly options: MessageRulesOptions) {}

  /** @throws RequestRefusedError MESSAGE_ILLEGAL for a body or properties beyond the limits. */
  checkSizes(bodySizeBytes: number, propertiesLength: number): void {
    if (bodySizeBytes > this.options.maxMessageSizeBytes || propertiesLength > MAX_PROPERTIES_LENGTH) {
      throw new RequestRefusedError(
        ResponseCode.MESSAGE_ILLEGAL,
        `the message is illegal, maybe msg body or properties length not matched. msg body length limit ${this.options.maxMessageSizeBytes}B, msg properties length limit 32KB. This one has ${bodySizeBytes}B and ${propertiesLength}B.`,
      );
    }
  }

  /** @throws RequestRefusedError for what this version does not keep as it should be kept: transactions, timers, inner batches. */
  checkKind(sysFlag: number, facts: PropertyFacts, delayLevel: number, reconsumeTimes: number): void {
    const transactionType = sysFlag & MessageSysFlag.TRANSACTION_MASK;
    // Old clients send a redelivery of a transaction's message with TRAN_MSG still in it; that one is an ordinary message.
    const isHalf = facts.isTransaction && !(reconsumeTimes > 0 && delayLevel > 0);
    if (isHalf || transactionType !== 0) {
      throw new RequestRefusedError(
        ResponseCode.NO_PERMISSION,
        `the broker[${this.options.brokerIp}] sending transaction message is forbidden: transaction messages are not supported by this version`,
      );
    }
    if (facts.hasTimer && !facts.hasTimerOut && delayLevel <= 0) {
      throw new RequestRefusedError(
        ResponseCode.SYSTEM_ERROR,
        'accurate timer message is not enabled, timerWheelEnable is false: use one of the delay levels (DELAY) instead',
      );
    }
    if (facts.isInnerBatch || (sysFlag & MessageSysFlag.INNER_BATCH_FLAG) !== 0) {
      throw new RequestRefusedError(
        ResponseCode.MESSAGE_ILLEGAL,
        'the message is an inner batch (INNER_NUM or its flag), which needs a topic of queue.type=BatchCQ: not supported by this version',
      );
    }
  }

  /** The DELAY property as a level, 0 when absent. @throws RequestRefusedError MESSAGE_ILLEGAL when it is no number. */
  delayLevel(facts: PropertyFacts): number {
    if (facts.delay === '') return 0;
    const level = Number(facts.delay);
    if (Number.isInteger(level)) return level;
    throw new RequestRefusedError(
      ResponseCode.MESSAGE_ILLEGAL,
      `the property DELAY is "${facts.delay.slice(0, 32)}": it must be a delay level, a whole number`,
    );
  }

  /**
   * Sends a delayed message to the queue of its level in SCHEDULE_TOPIC_XXXX and keeps its own topic and queue in its
   * properties; the delivery service brings it back when its time has come. A level above the highest is the highest. Timer properties yield to a level.
   */
  delayed(topic: string, queueId: number, delayLevel: number): Destination {
    const level = Math.min(delayLevel, this.options.maxDelayLevel);
    const edits: Record<string, string | undefined> = {
      [MessageConst.REAL_TOPIC]: topic,
      [MessageConst.REAL_QUEUE_ID]: String(queueId),
      [MessageConst.TIMER_DELAY_SEC]: undefined,
      [MessageConst.TIMER_DELAY_MS]: undefined,
      [MessageConst.TIMER_DELIVER_MS]: undefined,
    };
    if (level !== delayLevel) edits[MessageConst.DELAY_TIME_LEVEL] = String(level);
    return { topic: SCHEDULE_TOPIC, queueId: level - 1, edits };
  }
}
