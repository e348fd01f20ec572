import {
  encodeRecallHandle,
  MessageConst,
  ResponseCode,
  RETRY_GROUP_TOPIC_PREFIX,
  TIMER_TOPIC,
} from '@rocknest/protocol';
import { RequestRefusedError } from '../errors.js';
import { MAX_PROPERTIES_LENGTH, type Destination } from '../send/message-rules.js';
import type { PropertyFacts } from '../send/property-facts.js';
import { TIMER_PROPERTIES_LENGTH } from './defaults.js';

/** Width of a slot of the wheel, RocketMQ's precision: a TIMER_OUT_MS that is a multiple of it stands for a whole slot. */
const SLOT_MS = 1_000;

export interface TimerRulesOptions {
  readonly enabled: boolean;
  readonly brokerName: string;
  /** `timerMaxDelaySec`. Read at each use: it may change at run time. */
  readonly maxDelaySec: () => number;
  /** `timerCongestNumEachSlot`. */
  readonly maxMessagesPerSlot: number;
  /** Too many messages are due in the second of this time. */
  readonly isCongested: (deliverMs: number) => boolean;
  readonly now: () => number;
}

/** Where a timer message waits, and the time that its recall must name. */
export interface TimedDestination extends Destination {
  readonly recallAtMs: number;
}

/**
 * The rules for messages that are due at a point in time, and their rewrite: they wait in the timer topic, with the topic they are meant for in their properties.
 *
 * Follows `transformTimerMessage` of `broker/util/HookUtils.java`. The Java broker rounds TIMER_OUT_MS down to a second; here it is the ms before the time of
 * delivery, which lies in the same slot.
 */
export class TimerRules {
  constructor(private readonly options: TimerRulesOptions) {}

  /**
   * @returns undefined for a message that is due already: it is stored like every other.
   * @throws RequestRefusedError SYSTEM_ERROR when timers are off or too many are due in that second, MESSAGE_ILLEGAL for a time that is no number or too far away,
   *   or properties that leave no room.
   */
  timed(topic: string, queueId: number, facts: PropertyFacts, propertiesLength: number): TimedDestination | undefined {
    const { options } = this;
    if (!options.enabled) {
      throw refused(
        ResponseCode.SYSTEM_ERROR,
        'accurate timer message is not enabled, timerWheelEnable is false: use one of the delay levels (DELAY) instead',
      );
    }
    const nowMs = options.now();
    const deliverMs = this.deliverMs(facts, nowMs);
    if (deliverMs <= nowMs) {
      if (!facts.isTimerDelete) return undefined;
      throw this.illegal('the message to cancel is due already');
    }
    if (deliverMs - nowMs > options.maxDelaySec() * 1_000) throw this.illegal(`it asks for ${deliverMs - nowMs}ms`);
    if (propertiesLength > MAX_PROPERTIES_LENGTH - TIMER_PROPERTIES_LENGTH) {
      throw refused(
        ResponseCode.MESSAGE_ILLEGAL,
        `the properties of a timer message have ${propertiesLength}B; ${TIMER_PROPERTIES_LENGTH} of the ${MAX_PROPERTIES_LENGTH} are kept for what the broker adds`,
      );
    }
    if (options.isCongested(deliverMs)) {
      const limit = options.maxMessagesPerSlot;
      throw refused(
        ResponseCode.SYSTEM_ERROR,
        `timer message is under flow control, max num limit is ${limit * 2} or the current value is greater than ${limit} and less than ${limit * 2}, trigger random flow control`,
      );
    }
    return {
      topic: TIMER_TOPIC,
      queueId: 0,
      edits: {
        [MessageConst.TIMER_OUT_MS]: String(deliverMs - 1),
        [MessageConst.REAL_TOPIC]: topic,
        [MessageConst.REAL_QUEUE_ID]: String(queueId),
      },
      recallAtMs: deliverMs,
    };
  }

  /** By which the message can be recalled; retries can't. */
  recallHandle(topic: string, recallAtMs: number, uniqKey: string): string | undefined {
    if (topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)) return undefined;
    const { brokerName } = this.options;
    return encodeRecallHandle({ topic, brokerName, timestamp: String(recallAtMs), messageId: uniqKey });
  }

  private deliverMs(facts: PropertyFacts, nowMs: number): number {
    const { timerDelaySec, timerDelayMs, timerDeliverMs } = facts;
    let deliverMs: number;
    if (timerDelaySec !== '') deliverMs = nowMs + this.integer(timerDelaySec) * 1_000;
    else if (timerDelayMs !== '') deliverMs = nowMs + this.integer(timerDelayMs);
    else return this.integer(timerDeliverMs);
    // One ms later: a TIMER_OUT_MS of a full second without TIMER_DELIVER_MS is the Java broker's rounding.
    return (deliverMs - 1) % SLOT_MS === 0 ? deliverMs + 1 : deliverMs;
  }

  private integer(text: string): number {
    const value = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(value)) return value;
    throw this.illegal(`"${text.slice(0, 32)}" is not a whole number`);
  }

  private illegal(why: string): RequestRefusedError {
    return refused(
      ResponseCode.MESSAGE_ILLEGAL,
      `timer message illegal, the delay time should not be bigger than the max delay ${this.options.maxDelaySec() * 1_000}ms; or if set del msg, the delay time should be bigger than the current time (${why})`,
    );
  }
}

function refused(code: number, remark: string): RequestRefusedError {
  return new RequestRefusedError(code, remark);
}
