import { MessageConst } from '@rocknest/protocol';
import type { MessageInput } from './message-input.js';

/** A broker's table of delay levels may be longer than RocketMQ's 18; it clamps what is above its own. */
const MAX_DELAY_LEVEL = 1_000;

/** The fields of a message that say when it is delivered, and their properties. */
const DELAY_FIELDS = {
  delayTimeLevel: MessageConst.DELAY_TIME_LEVEL,
  delayTimeSec: MessageConst.TIMER_DELAY_SEC,
  delayTimeMs: MessageConst.TIMER_DELAY_MS,
  deliverTimeMs: MessageConst.TIMER_DELIVER_MS,
} as const;

type DelayField = keyof typeof DELAY_FIELDS;

/** The field that delays a message, or undefined. A level of 0 is none. */
export function delayFieldOf(input: MessageInput): DelayField | undefined {
  if (input.delayTimeLevel !== undefined && input.delayTimeLevel !== 0) return 'delayTimeLevel';
  if (input.delayTimeSec !== undefined) return 'delayTimeSec';
  if (input.delayTimeMs !== undefined) return 'delayTimeMs';
  return input.deliverTimeMs === undefined ? undefined : 'deliverTimeMs';
}

/** Why a message cannot be delayed as it asks, or undefined. */
export function delayProblem(input: MessageInput): string | undefined {
  const field = delayFieldOf(input);
  if (field === undefined) return undefined;
  const others = (['delayTimeSec', 'delayTimeMs', 'deliverTimeMs'] as const).filter(
    (other) => other !== field && input[other] !== undefined,
  );
  if (others.length > 0)
    return `a message to ${input.topic} has ${[field, ...others].join(' and ')}: only one of them may be given`;
  const value = input[field];
  if (field === 'delayTimeLevel') {
    if (Number.isInteger(value) && Number(value) > 0 && Number(value) <= MAX_DELAY_LEVEL) return undefined;
    return `delayTimeLevel of a message to ${input.topic} is ${value}, must be a whole number from 0 (none) to 18 (2 h)`;
  }
  if (Number.isSafeInteger(value) && Number(value) >= 0) return undefined;
  const unit = field === 'delayTimeSec' ? 'seconds' : field === 'delayTimeMs' ? 'ms' : 'ms since 1970';
  return `${field} of a message to ${input.topic} is ${value}, must be a whole number of ${unit}, 0 or more`;
}

/** Name and value of the property that delays a message, or undefined. */
export function delayProperty(input: MessageInput): readonly [name: string, value: string] | undefined {
  const field = delayFieldOf(input);
  return field && [DELAY_FIELDS[field], String(input[field])];
}
