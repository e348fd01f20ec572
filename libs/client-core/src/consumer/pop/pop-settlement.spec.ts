import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ResponseCode, type MessageExt } from '@rocknest/protocol';
import { MQBrokerError } from '../../errors.js';
import { silentLogger } from '../../logger.js';
import { popDelayMs } from './pop-delays.js';
import { PopLease, type PopReceipt } from './pop-lease.js';
import { PopSettlement, type PopSettlementOptions } from './pop-settlement.js';
import { receiptOf } from './popped-messages.js';

const queue = { topic: 't', brokerName: 'b', queueId: -1 };
const messageOf = (reconsumeTimes: number): MessageExt => ({ msgId: 'm', reconsumeTimes }) as unknown as MessageExt;

function harness(options: Partial<PopSettlementOptions> = {}) {
  const calls: string[] = [];
  let broken = false;
  const settlement = new PopSettlement({
    group: 'g',
    api: {
      ack: async (_, receipt) => void calls.push(`ack ${receipt.extraInfo}`),
      ackBatch: async (_, broker, receipts) => void calls.push(`acks ${broker} ${receipts.length}`),
      changeInvisibleTime: async (_, receipt: PopReceipt, ms) => {
        calls.push(`change ${receipt.queueOffset} ${ms}`);
        if (broken) throw new Error('broken');
        return receiptOf('t', `5 ${Date.now()} ${ms} 0 0 b 0 5`, 5);
      },
    },
    instance: {
      brokers: { master: () => undefined },
      heartbeats: { brokerVersions: new Map() },
    } as unknown as PopSettlementOptions['instance'],
    invisibleTimeMs: 60_000,
    renewForMs: 150_000,
    maxReconsumeTimes: 3,
    sendToDlq: async () => {
      calls.push('dlq');
      if (broken) throw new Error('broken');
    },
    logger: silentLogger,
    ...options,
  });
  const admit = (reconsumeTimes = 0): PopLease => {
    const lease = new PopLease(messageOf(reconsumeTimes), receiptOf('t', '5 1 60000 0 0 b 0 5', 5), Date.now());
    settlement.admit([lease]);
    return lease;
  };
  return { settlement, calls, admit, fail: () => (broken = true) };
}

describe('PopSettlement', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('lets a failed message come again on the ladder of RocketMQ, or at the level that the listener names', async () => {
    const { settlement, calls, admit } = harness();
    await settlement.giveBack(admit(0).message, queue, 0);
    await settlement.giveBack(admit(2).message, queue, 0);
    await settlement.giveBack(admit(0).message, queue, 5);
    expect(calls).toEqual(['change 5 10000', 'change 5 60000', 'change 5 60000']);
    expect([popDelayMs(15, 0), popDelayMs(99, 0), popDelayMs(0, 18), popDelayMs(9, 1)]).toEqual([
      7_200_000, 7_200_000, 7_200_000, 1_000,
    ]);
  });

  it('dead-letters and acknowledges a message after its last delivery, and one that a listener gave up', async () => {
    const { settlement, calls, admit } = harness();
    await settlement.giveBack(admit(3).message, queue, 0);
    await vi.advanceTimersByTimeAsync(1);
    await settlement.giveBack(admit(0).message, queue, -1);
    await vi.advanceTimersByTimeAsync(1);
    expect(calls).toEqual(['dlq', 'ack 5 1 60000 0 0 b 0 5', 'dlq', 'ack 5 1 60000 0 0 b 0 5']);
  });

  it('lets a message come again when the dead letter queue does not take it, and never rejects', async () => {
    const { settlement, calls, admit, fail } = harness();
    fail();
    await settlement.giveBack(admit(3).message, queue, 0);
    expect(calls).toEqual(['dlq', 'change 5 120000']);
  });

  it('does nothing for a message that is another member’s by now, or settled', async () => {
    const { settlement, calls, admit } = harness({ renewForMs: 0 });
    const lease = admit();
    expect(settlement.problemOf(lease.message)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(settlement.problemOf(lease.message)?.message).toMatch(/ran out/);
    await settlement.giveBack(lease.message, queue, 0);
    await settlement.giveBack(lease.message, queue, 0);
    expect(calls).toEqual([]);
    expect(settlement.problemOf(lease.message)).toBeUndefined();
    expect(settlement.owns(lease.message)).toBe(true);
    expect(settlement.owns(messageOf(0))).toBe(false);
  });

  it('renews the time of running and waiting messages when half of it is over, for as long as it may', async () => {
    const { settlement, calls, admit } = harness();
    const running = admit();
    running.state = 'RUNNING';
    admit();
    await vi.advanceTimersByTimeAsync(29_000);
    expect(calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(calls).toEqual(['change 5 60000', 'change 5 60000']);
    settlement.keepsWaiting = false;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(calls).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(600_000);
    // The running one was renewed at 30, 60, 90 and 120 s; 150 s after its pop it may be renewed no more.
    expect(calls).toHaveLength(5);
    expect(running.hasExpired(Date.now())).toBe(true);
  });

  it('lets the time of messages run out that wait in a paused queue', async () => {
    const { calls, admit } = harness();
    admit().holder = { paused: true };
    const running = admit();
    running.state = 'RUNNING';
    running.holder = { paused: true };
    await vi.advanceTimersByTimeAsync(31_000);
    expect(calls).toEqual(['change 5 60000']);
  });

  it('acknowledges with the receipt of the last renewal', async () => {
    const { settlement, calls, admit } = harness();
    const lease = admit();
    lease.state = 'RUNNING';
    await vi.advanceTimersByTimeAsync(31_000);
    settlement.acknowledge(lease);
    await vi.advanceTimersByTimeAsync(1);
    expect(calls[1]).toBe(`ack ${lease.receipt.extraInfo}`);
    expect(lease.receipt.info.popTime).toBeGreaterThan(1);
  });

  it('keeps the old receipt and expiry when a renewal fails, and tries again', async () => {
    const { calls, admit, fail } = harness();
    const lease = admit();
    lease.state = 'RUNNING';
    fail();
    const { expiresAtMs } = lease;
    await vi.advanceTimersByTimeAsync(35_000);
    expect(calls.length).toBeGreaterThan(2);
    expect(lease.expiresAtMs).toBe(expiresAtMs);
  });

  it('takes a message that the broker does not count as popped any more for expired', async () => {
    const calls: string[] = [];
    const { settlement, admit } = harness({
      api: {
        ack: async () => {},
        ackBatch: async () => {},
        changeInvisibleTime: async () => {
          calls.push('change');
          throw new MQBrokerError('change', 'a', ResponseCode.NO_MESSAGE, undefined);
        },
      },
    });
    const lease = admit();
    await vi.advanceTimersByTimeAsync(40_000);
    expect(calls).toHaveLength(1);
    expect(settlement.problemOf(lease.message)?.message).toMatch(/ran out/);
  });

  it('releases what nobody began with, and waits for the answers', async () => {
    vi.useRealTimers();
    const { settlement, calls, admit } = harness();
    settlement.release([admit(), admit()]);
    settlement.acknowledge(admit());
    expect(await settlement.flush(1_000)).toBe(true);
    expect(calls.filter((call) => call === 'change 5 1000')).toHaveLength(2);
    expect(calls.filter((call) => call.startsWith('ack'))).toHaveLength(1);
  });
});
