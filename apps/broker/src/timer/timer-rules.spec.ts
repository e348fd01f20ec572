import { decodeRecallHandle, ResponseCode } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { RequestRefusedError } from '../errors.js';
import { emptyPropertyFacts, type PropertyFacts } from '../send/property-facts.js';
import { TimerRules, type TimerRulesOptions } from './timer-rules.js';

const NOW = 1_763_862_000_250;

function rules(options: Partial<TimerRulesOptions> = {}): TimerRules {
  return new TimerRules({
    enabled: true,
    brokerName: 'broker-a',
    maxDelaySec: () => 60,
    maxMessagesPerSlot: 5,
    isCongested: () => false,
    now: () => NOW,
    ...options,
  });
}

function facts(some: Partial<PropertyFacts>): PropertyFacts {
  return { ...emptyPropertyFacts(), hasTimer: true, ...some };
}

function refusalOf(
  some: Partial<PropertyFacts>,
  options?: Partial<TimerRulesOptions>,
  propertiesLength = 100,
): RequestRefusedError {
  try {
    rules(options).timed('Orders', 3, facts(some), propertiesLength);
  } catch (error) {
    if (error instanceof RequestRefusedError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('TimerRules', () => {
  it('sends a message to the timer topic, the ms before its time in TIMER_OUT_MS', () => {
    const timed = rules().timed('Orders', 3, facts({ timerDeliverMs: String(NOW + 1_500) }), 100);
    expect(timed).toEqual({
      topic: 'rmq_sys_wheel_timer',
      queueId: 0,
      edits: { TIMER_OUT_MS: String(NOW + 1_499), REAL_TOPIC: 'Orders', REAL_QID: '3' },
      recallAtMs: NOW + 1_500,
    });
    expect(rules().timed('T', 0, facts({ timerDelaySec: '2' }), 100)?.recallAtMs).toBe(NOW + 2_000);
    expect(rules().timed('T', 0, facts({ timerDelayMs: '70' }), 100)?.recallAtMs).toBe(NOW + 70);
  });

  it('prefers seconds to ms to a time, as RocketMQ does', () => {
    const all = facts({ timerDelaySec: '3', timerDelayMs: '70', timerDeliverMs: String(NOW + 9) });
    expect(rules().timed('T', 0, all, 100)?.recallAtMs).toBe(NOW + 3_000);
    expect(rules().timed('T', 0, { ...all, timerDelaySec: '' }, 100)?.recallAtMs).toBe(NOW + 70);
  });

  it('keeps the ms behind a full second free, which means a rounded time without TIMER_DELIVER_MS', () => {
    expect(rules().timed('T', 0, facts({ timerDelayMs: '751' }), 100)?.edits?.TIMER_OUT_MS).toBe(String(NOW + 751));
    const exact = facts({ timerDeliverMs: String(NOW + 751) });
    expect(rules().timed('T', 0, exact, 100)?.edits?.TIMER_OUT_MS).toBe(String(NOW + 750));
  });

  it('lets through what is due already, and refuses to cancel it', () => {
    expect(rules().timed('T', 0, facts({ timerDeliverMs: String(NOW) }), 100)).toBeUndefined();
    expect(rules().timed('T', 0, facts({ timerDelaySec: '-1' }), 100)).toBeUndefined();
    expect(refusalOf({ timerDeliverMs: String(NOW), isTimerDelete: true }).responseCode).toBe(
      ResponseCode.MESSAGE_ILLEGAL,
    );
  });

  it.each(['60001', 'x', '1.5', '99999999999999999999'])('refuses a delay of %s ms as illegal', (timerDelayMs) => {
    const refusal = refusalOf({ timerDelayMs });
    expect(refusal.responseCode).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect(refusal.message).toContain('should not be bigger than the max delay 60000ms');
  });

  it('refuses when timers are off, when too many are due, and when the properties leave no room', () => {
    const timer = { timerDelayMs: '100' };
    expect(refusalOf(timer, { enabled: false }).responseCode).toBe(ResponseCode.SYSTEM_ERROR);
    expect(refusalOf(timer, { enabled: false }).message).toContain('timerWheelEnable is false');
    const congested = refusalOf(timer, { isCongested: (deliverMs) => deliverMs === NOW + 100 });
    expect(congested.responseCode).toBe(ResponseCode.SYSTEM_ERROR);
    expect(congested.message).toContain('max num limit is 10');
    expect(refusalOf(timer, {}, 32_700).responseCode).toBe(ResponseCode.MESSAGE_ILLEGAL);
  });

  it('gives a handle for what can be recalled', () => {
    const handle = rules().recallHandle('Orders', NOW, 'ID') ?? '';
    expect(decodeRecallHandle(handle)).toEqual({
      topic: 'Orders',
      brokerName: 'broker-a',
      timestamp: String(NOW),
      messageId: 'ID',
    });
    expect(rules().recallHandle('%RETRY%g', NOW, 'ID')).toBeUndefined();
  });
});
