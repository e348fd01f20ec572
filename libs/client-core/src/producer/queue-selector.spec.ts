import { describe, expect, it } from 'vitest';
import {
  selectMessageQueueByHash as byHash,
  selectMessageQueueByMachineRoom,
  selectMessageQueueByRandom,
  selectQueue,
} from './queue-selector.js';

const queuesOf = (...brokers: string[]) =>
  brokers.flatMap((brokerName) => [0, 1].map((queueId) => ({ topic: 't', brokerName, queueId })));
const QUEUES = queuesOf('a', 'b', 'c', 'd');
const message = { topic: 't', body: 'x' };

describe('selectMessageQueueByHash', () => {
  it.each<[string | number | bigint | boolean, number]>([
    // hashCode() of Java, then the remainder by 8 without its sign.
    ['order-1', Math.abs(-1207111310 % 8)],
    ['', 0],
    [7, 7],
    [-13, 5],
    [4_294_967_296, 1],
    [4_294_967_297n, 0],
    [-1n, 0],
    [true, 1231 % 8],
    [false, 1237 % 8],
  ])('%s goes to the queue that a Java producer takes: %i', (arg, index) => {
    expect(byHash(QUEUES, message, arg)).toBe(QUEUES[index]);
  });

  it('refuses what has no hash', () => {
    for (const arg of [undefined, null, {}, 1.5, Number.NaN]) {
      expect(() => byHash(QUEUES, message, arg as never)).toThrow(/selectorArg/);
    }
  });
});

describe('the other selectors', () => {
  it('random gives every queue', () => {
    const seen = new Set(Array.from({ length: 1_000 }, () => selectMessageQueueByRandom(QUEUES, message, undefined)));
    expect(seen.size).toBe(QUEUES.length);
  });

  it('machine rooms: their queues take turns', () => {
    const queues = queuesOf('north@a', 'south@b', 'north@c', 'alone');
    const select = selectMessageQueueByMachineRoom(['north']);
    const seen = Array.from({ length: 8 }, () => select(queues, message, undefined));
    expect(new Set(seen)).toEqual(new Set([...queues.slice(0, 2), ...queues.slice(4, 6)]));
    expect(() => select(QUEUES, message, undefined)).toThrow(/no broker of topic t is in the machine rooms north/);
    expect(() => selectMessageQueueByMachineRoom([])).toThrow(/needs a machine room/);
  });

  it('an own one gives one of the queues, also as a copy, and nothing else', () => {
    expect(selectQueue((queues) => ({ ...queues[3] }), QUEUES, message, 0)).toBe(QUEUES[3]);
    expect(selectQueue((queues, _, arg: number) => queues[arg], QUEUES, message, 2)).toBe(QUEUES[2]);
    expect(() => selectQueue(() => undefined as never, QUEUES, message, 0)).toThrow(/gave no queue/);
    expect(() => selectQueue(() => ({ ...QUEUES[0], queueId: 9 }), QUEUES, message, 0)).toThrow(
      /gave queue 9 of a, which is none of the 8 queues of topic t/,
    );
  });
});
