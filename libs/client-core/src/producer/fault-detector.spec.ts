import { decodeGetMaxOffsetRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../logger.js';
import { TopicPublishInfo } from '../route/topic-publish-info.js';
import { FaultDetector } from './fault-detector.js';
import { FaultStrategy, latencyLadder } from './fault-strategy.js';
import type { SendInstance } from './send-engine.js';

const NOW = 1_000_000;
const options = { ...latencyLadder(), startDetectorEnable: true, detectIntervalMs: 2_000, detectTimeoutMs: 200 };

function harness(answer: (address: string) => number | Error) {
  const asked: { address: string; command: RemotingCommand; timeoutMs: number }[] = [];
  const instance = {
    transport: {
      invoke: async (address: string, command: RemotingCommand, timeoutMs: number) => {
        asked.push({ address, command, timeoutMs });
        const code = answer(address);
        if (code instanceof Error) throw code;
        return RemotingCommand.response(code);
      },
    },
    brokers: { master: (name: string) => (name === 'gone' ? undefined : `${name}:1`) },
  } as unknown as SendInstance;
  const strategy = new FaultStrategy(options);
  const detector = new FaultDetector(strategy.table, instance, options, silentLogger);
  return { asked, detector, strategy };
}

describe('FaultDetector', () => {
  it('asks brokers that failed for the end of a queue, and takes any answer as a sign of life', async () => {
    const { asked, detector, strategy } = harness(() => ResponseCode.TOPIC_NOT_EXIST);
    strategy.failed('a', 'orders', 5, false, NOW);
    expect(strategy.table.isReachable('a')).toBe(false);
    await detector.probeDue(NOW);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ address: 'a:1', timeoutMs: 200, command: { code: RequestCode.GET_MAX_OFFSET } });
    expect(decodeGetMaxOffsetRequest(asked[0].command)).toMatchObject({ topic: 'orders', queueId: 0 });
    expect(strategy.table.isReachable('a')).toBe(true);
    await detector.probeDue(NOW + 2_000);
    expect(asked, 'a broker that answers is probed no more').toHaveLength(1);
  });

  it.each([new Error('connection refused'), ResponseCode.SYSTEM_BUSY])('goes on after %s', async (answer) => {
    const { asked, detector, strategy } = harness(() => answer);
    strategy.failed('a', 'orders', 5, false, NOW);
    await detector.probeDue(NOW);
    await detector.probeDue(NOW + 1_999);
    await detector.probeDue(NOW + 2_000);
    expect(asked).toHaveLength(2);
    expect(strategy.table.isReachable('a')).toBe(false);
  });

  it('forgets brokers that no route has', async () => {
    const { asked, detector, strategy } = harness(() => ResponseCode.SUCCESS);
    strategy.failed('gone', 'orders', 5, false, NOW);
    await detector.probeDue(NOW);
    expect(asked).toEqual([]);
    expect(strategy.table.size).toBe(0);
  });
});

describe('FaultStrategy', () => {
  it('passes over brokers for as long as their latency says', () => {
    const strategy = new FaultStrategy(options);
    for (const [latencyMs, durationMs] of [
      [549, 0],
      [550, 2_000],
      [1_800, 5_000],
      [3_000, 6_000],
      [5_000, 10_000],
      [20_000, 30_000],
    ]) {
      const name = `took-${latencyMs}`;
      strategy.answered(name, 't', latencyMs, NOW);
      expect(strategy.table.isAvailable(name, NOW + durationMs - 1)).toBe(durationMs === 0);
      expect(strategy.table.isAvailable(name, NOW + durationMs)).toBe(true);
    }
  });

  it('chooses brokers that are not passed over, then those that are reachable, then any', () => {
    const strategy = new FaultStrategy(options);
    const queues = ['a', 'b', 'c'].map((brokerName) => ({ topic: 't', brokerName, queueId: 0 }));
    const info = new TopicPublishInfo(queues, false, 0);
    const chosen = (last?: string, usable: (name: string) => boolean = () => true): Set<string | undefined> =>
      new Set([1, 2, 3, 4, 5, 6].map(() => strategy.select(info, last, NOW, usable)?.brokerName));
    expect(chosen()).toEqual(new Set(['a', 'b', 'c']));
    strategy.failed('a', 't', 5, false, NOW);
    expect(chosen()).toEqual(new Set(['b', 'c']));
    expect(chosen('b')).toEqual(new Set(['c']));
    strategy.answered('b', 't', 600, NOW);
    strategy.answered('c', 't', 600, NOW);
    expect(chosen()).toEqual(new Set(['b', 'c']));
    strategy.failed('b', 't', 5, false, NOW);
    strategy.failed('c', 't', 5, false, NOW);
    expect(chosen()).toEqual(new Set(['a', 'b', 'c']));
    expect(chosen('a', (name) => name === 'a')).toEqual(new Set(['a']));
    expect(chosen(undefined, () => false)).toEqual(new Set([undefined]));
  });

  it('refuses lists that do not fit together', () => {
    expect(() => latencyLadder([1, 2], [0])).toThrow('equally many');
    expect(() => latencyLadder([2, 1], [0, 0])).toThrow('ascending');
    expect(() => latencyLadder([1.5], [0])).toThrow('whole numbers');
  });
});
