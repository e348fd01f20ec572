import { describe, expect, it } from 'vitest';
import { MQClientError, MQClientErrorCode } from '../errors.js';
import { LossPace } from './loss-pace.js';

const lost = new MQClientError(MQClientErrorCode.CONNECTION_FAILED, 'refused');

describe('LossPace', () => {
  it('begins shortly after a lost connection, and gets slower until the broker answers', () => {
    const pace = new LossPace();
    expect(Array.from({ length: 6 }, () => pace.after(lost))).toEqual([200, 400, 800, 1_600, 3_000, 3_000]);
    pace.reset();
    expect(pace.after(lost)).toBe(200);
  });

  it('waits at length after any other failure', () => {
    const pace = new LossPace();
    expect(pace.after(new Error('nonsense'))).toBe(3_000);
    expect(pace.after(new MQClientError(MQClientErrorCode.TIMEOUT, 'late'))).toBe(3_000);
    expect(pace.after(new MQClientError(MQClientErrorCode.BROKER_NOT_FOUND, 'none'))).toBe(200);
  });
});
