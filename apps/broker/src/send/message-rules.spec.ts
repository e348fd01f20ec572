import { MessageSysFlag, ResponseCode, SCHEDULE_TOPIC } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { RequestRefusedError } from '../errors.js';
import { MessageRules } from './message-rules.js';
import { emptyPropertyFacts, type PropertyFacts } from './property-facts.js';

let rejectTransactionMessage = false;
const rules = new MessageRules({
  maxMessageSizeBytes: 1_000,
  maxDelayLevel: 18,
  brokerIp: '127.0.0.1',
  rejectTransactionMessage: () => rejectTransactionMessage,
});

function facts(some: Partial<PropertyFacts> = {}): PropertyFacts {
  return { ...emptyPropertyFacts(), ...some };
}

function codeOf(action: () => unknown): number | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof RequestRefusedError) return error.responseCode;
    throw error;
  }
  return undefined;
}

describe('MessageRules', () => {
  it('refuses bodies and properties beyond the limits', () => {
    expect(codeOf(() => rules.checkSizes(1_000, 32_767))).toBeUndefined();
    expect(codeOf(() => rules.checkSizes(1_001, 0))).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect(codeOf(() => rules.checkSizes(0, 32_768))).toBe(ResponseCode.MESSAGE_ILLEGAL);
  });

  it('refuses what this version does not keep as it should be kept', () => {
    expect(codeOf(() => rules.checkKind(0, facts(), 0, 0))).toBeUndefined();
    expect(codeOf(() => rules.checkKind(MessageSysFlag.TRANSACTION_PREPARED_TYPE, facts(), 0, 0))).toBe(
      ResponseCode.MESSAGE_ILLEGAL,
    );
    expect(codeOf(() => rules.checkKind(0, facts({ isInnerBatch: true }), 0, 0))).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect(codeOf(() => rules.checkKind(MessageSysFlag.INNER_BATCH_FLAG, facts(), 0, 0))).toBe(
      ResponseCode.MESSAGE_ILLEGAL,
    );
  });

  it('knows the half message of a transaction, which can not be delayed, and refuses it where that is set', () => {
    const half = facts({ isTransaction: true });
    expect(rules.checkKind(0, facts(), 0, 0)).toBe(false);
    expect(rules.checkKind(MessageSysFlag.TRANSACTION_PREPARED_TYPE, half, 0, 0)).toBe(true);
    expect(codeOf(() => rules.checkKind(0, half, 3, 0))).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect(codeOf(() => rules.checkKind(0, { ...half, hasTimer: true }, 0, 0))).toBe(ResponseCode.MESSAGE_ILLEGAL);
    rejectTransactionMessage = true;
    expect(codeOf(() => rules.checkKind(0, half, 0, 0))).toBe(ResponseCode.NO_PERMISSION);
    rejectTransactionMessage = false;
    const place = rules.half('orders', 7, 'ID');
    expect(place).toMatchObject({ topic: 'RMQ_SYS_TRANS_HALF_TOPIC', queueId: 0 });
    expect(place.edits).toMatchObject({ REAL_TOPIC: 'orders', REAL_QID: '7', __transactionId__: 'ID' });
  });

  it('takes a redelivery that still says TRAN_MSG, and timers that yield to a level or were kept already', () => {
    expect(rules.checkKind(0, facts({ isTransaction: true }), 3, 1)).toBe(false);
    expect(codeOf(() => rules.checkKind(0, facts({ hasTimer: true }), 3, 0))).toBeUndefined();
    expect(codeOf(() => rules.checkKind(0, facts({ hasTimer: true, hasTimerOut: true }), 0, 0))).toBeUndefined();
  });

  it('reads the delay level', () => {
    expect(rules.delayLevel(facts())).toBe(0);
    expect(rules.delayLevel(facts({ delay: '3' }))).toBe(3);
    expect(rules.delayLevel(facts({ delay: '-1' }))).toBe(-1);
    expect(codeOf(() => rules.delayLevel(facts({ delay: 'soon' })))).toBe(ResponseCode.MESSAGE_ILLEGAL);
  });

  it('sends a delayed message to the queue of its level and notes where it belongs', () => {
    const delayed = rules.delayed('orders', 7, 3);
    expect(delayed).toMatchObject({ topic: SCHEDULE_TOPIC, queueId: 2 });
    expect(delayed.edits).toMatchObject({ REAL_TOPIC: 'orders', REAL_QID: '7' });
    expect(delayed.edits).not.toHaveProperty('DELAY');
  });

  it('clamps a level above the highest', () => {
    const delayed = rules.delayed('orders', 0, 99);
    expect(delayed.queueId).toBe(17);
    expect(delayed.edits).toMatchObject({ DELAY: '18' });
  });
});
