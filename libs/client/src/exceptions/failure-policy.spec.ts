import { describe, expect, it } from 'vitest';
import { RocketMQPluginError } from '../errors.js';
import { FailurePolicy } from './failure-policy.js';
import { RetryLater, SendToDlq, Skip, SuspendQueue } from './outcome-exceptions.js';
import { checkRetryPolicy, type RetryPolicy } from './retry-policy.js';

class Invalid extends Error {}
class VeryInvalid extends Invalid {}
class Plain {}

const text = (policies: RetryPolicy[], error: unknown, reconsumeTimes = 0, limit = 16): string => {
  const verdict = new FailurePolicy(policies).verdictOf(error, reconsumeTimes, limit);
  return verdict.kind === 'retry' ? `retry ${verdict.delayLevel} ${verdict.restMs}` : verdict.kind;
};

describe('FailurePolicy', () => {
  it('retries everything at the usual pace when nothing is said', () => {
    expect(text([], new Error('x'))).toBe('retry 0 undefined');
    expect(text([], 'text')).toBe('retry 0 undefined');
  });

  it('takes the exceptions at their word, whatever the lists say', () => {
    const policy: RetryPolicy = { dlq: [Error], maxReconsumeTimes: 3 };
    expect(text([policy], new RetryLater({ delayLevel: 5 }))).toBe('retry 5 60000');
    expect(text([policy], new RetryLater())).toBe('retry 0 undefined');
    expect(text([policy], new Skip())).toBe('skip');
    expect(text([], new SendToDlq('no'))).toBe('dlq');
    expect(text([policy], new SuspendQueue({ ms: 250 }))).toBe('retry 1 250');
    expect(text([policy], new SuspendQueue({ ms: 20_000 }))).toBe('retry 4 20000');
    expect(text([policy], new SuspendQueue({ ms: 1e9 }))).toBe('retry 18 1000000000');
  });

  it('knows errors by class, by the name of a class, by code and by function', () => {
    const coded = Object.assign(new Error('x'), { code: 'E_COLD' });
    const policy: RetryPolicy = { dlq: [Invalid, 'E_COLD', 'Plain', (error) => error === 42], skip: ['TypeError'] };
    expect([new VeryInvalid(), coded, new Plain(), 42].map((error) => text([policy], error))).toEqual(
      Array(4).fill('dlq'),
    );
    expect(text([policy], new TypeError('x'))).toBe('skip');
    expect(text([{ dlq: [Plain] }], new Plain())).toBe('dlq');
    expect(text([policy], new Error('x'))).toMatch(/^retry/);
  });

  it('asks the handler before the module', () => {
    const handler: RetryPolicy = { on: [VeryInvalid], delayLevels: [2] };
    const module: RetryPolicy = { dlq: [Invalid], skip: [TypeError], delayLevels: [9] };
    expect(text([handler, module], new VeryInvalid())).toBe('retry 2 5000');
    expect(text([handler, module], new Invalid())).toBe('dlq');
    expect(text([handler, module], new TypeError())).toBe('skip');
  });

  it('dead-letters what no list knows when `on` says what is retried', () => {
    expect(text([{ on: [Invalid] }], new RangeError())).toBe('dlq');
    expect(text([{ on: [Invalid] }], new RetryLater())).toMatch(/^retry/);
  });

  it('goes through the delay levels, stays at the last, and ends at the limit', () => {
    const policy: RetryPolicy = { delayLevels: [1, 3] };
    expect([0, 1, 2].map((times) => text([policy], new Error(), times, 3))).toEqual([
      'retry 1 1000',
      'retry 3 10000',
      'retry 3 10000',
    ]);
    expect(text([policy], new Error(), 3, 3)).toBe('dlq');
    expect(text([policy], new RetryLater({ delayLevel: 1 }), 3, 3)).toBe('dlq');
    expect(text([policy], new Error(), 1e6, Infinity)).toMatch(/^retry/);
  });
});

describe('checkRetryPolicy', () => {
  it.each<[string, unknown, RegExp]>([
    ['no object', 'dlq', /retry must be an object/],
    ['a misspelt name', { dql: [Error] }, /retry\.dql is unknown/],
    ['a list of something else', { dlq: [7] }, /retry\.dlq must be a list of error classes/],
    ['an undefined class, as a circular import leaves it', { skip: [undefined] }, /retry\.skip must be a list/],
    ['a limit below 0', { maxReconsumeTimes: -1 }, /retry\.maxReconsumeTimes is -1/],
    ['no levels', { delayLevels: [] }, /retry\.delayLevels/],
    ['level 0', { delayLevels: [0] }, /retry\.delayLevels/],
    ['a text for a switch', { storeReason: 'yes' }, /retry\.storeReason/],
  ])('refuses %s', (_, policy, message) => {
    expect(() => checkRetryPolicy(policy as RetryPolicy)).toThrow(message);
    expect(() => checkRetryPolicy(policy as RetryPolicy)).toThrow(RocketMQPluginError);
  });

  it.each([() => new RetryLater({ delayLevel: -1 }), () => new SuspendQueue({ ms: Number.NaN })])(
    'exceptions refuse nonsense too',
    (make) => expect(make).toThrow(RangeError),
  );
});
