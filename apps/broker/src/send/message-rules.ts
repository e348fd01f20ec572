import { MessageConst, MessageSysFlag, ResponseCode, SCHEDULE_TOPIC, TRANS_HALF_TOPIC } from '@rocknest/protocol';
import { RequestRefusedError } from '../errors.js';
import { halfEdits } from '../transaction/half-message.js';
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
  /** `rejectTransactionMessage`. Read at each use: it may change at run time. */
  readonly rejectTransactionMessage: () => boolean;
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

  /**
   * @returns true for the half message of a transaction.
   * @throws RequestRefusedError for what is not allowed, and for what this version does not keep as it should be kept: inner batches.
   */
  checkKind(sysFlag: number, facts: PropertyFacts, delayLevel: number, reconsumeTimes: number): boolean {
    // Old clients send a redelivery of a transaction's message with TRAN_MSG still in it; that one is an ordinary message.
    const isHalf = facts.isTransaction && !(reconsumeTimes > 0 && delayLevel > 0);
    if (isHalf) this.checkHalf(facts, delayLevel);
    else if ((sysFlag & MessageSysFlag.TRANSACTION_MASK) !== 0) {
      throw new RequestRefusedError(
        ResponseCode.MESSAGE_ILLEGAL,
        'the system flag says that the message is part of a transaction, but the property TRAN_MSG does not',
      );
    }
    if (facts.isInnerBatch || (sysFlag & MessageSysFlag.INNER_BATCH_FLAG) !== 0) {
      throw new RequestRefusedError(
        ResponseCode.MESSAGE_ILLEGAL,
        'the message is an inner batch (INNER_NUM or its flag), which needs a topic of queue.type=BatchCQ: not supported by this version',
      );
    }
    return isHalf;
  }

  private checkHalf(facts: PropertyFacts, delayLevel: number): void {
    if (this.options.rejectTransactionMessage()) {
      throw new RequestRefusedError(
        ResponseCode.NO_PERMISSION,
        `the broker[${this.options.brokerIp}] sending transaction message is forbidden`,
      );
    }
    if (delayLevel > 0 || facts.hasTimer) {
      throw new RequestRefusedError(
        ResponseCode.MESSAGE_ILLEGAL,
        'a message of a transaction can not be delayed: it has TRAN_MSG and one of DELAY and TIMER_*',
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
   * Sends the half message of a transaction to the half topic and keeps its own topic and queue in its properties; the end of the
   * transaction brings it back.
   */
  half(topic: string, queueId: number, uniqKey: string): Destination {
    return { topic: TRANS_HALF_TOPIC, queueId: 0, edits: halfEdits(topic, queueId, uniqKey) };
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
