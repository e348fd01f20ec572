import { describe, expect, it } from 'vitest';
import { checkHistory } from './checker.js';
import type { AckEvent, ClientEvent, GotEvent } from './history.js';
import { outagesOf, percentile } from './outages.js';
import { makePlan } from './plan.js';

const OPTIONS = { groups: ['ordered', 'any'], orderedGroups: ['ordered'] };
const ack = (n: number, offset = n, lane = 'a:0'): AckEvent => ({ e: 'ack', lane, n, t: n, queue: lane, offset });
const got = (group: string, n: number, offset = n, lane = 'a:0'): GotEvent => ({
  e: 'got',
  group,
  lane,
  n,
  t: n,
  queue: lane,
  offset,
});
const consumed = (n: number): ClientEvent[] => [got('ordered', n), got('any', n)];

describe('the checker of histories', () => {
  it('is content with what may happen: redeliveries, failed sends that arrived, and holes in the numbers', () => {
    const history: ClientEvent[] = [ack(0), ...consumed(0), { e: 'fail', lane: 'a:0', n: 1, t: 1, why: 'time-out' }];
    history.push(ack(2, 2), got('ordered', 0), got('ordered', 1, 1), ...consumed(2), got('any', 1, 1));
    expect(checkHistory(history, OPTIONS)).toEqual([]);
  });

  it.each<[string, ClientEvent[], RegExp]>([
    ['a loss', [ack(0), ack(1), ...consumed(0), got('any', 1)], /^a:0#1, .* never consumed by ordered$/],
    [
      'an offset used twice',
      [ack(0, 7), ...consumed(0).map((event) => ({ ...event, offset: 7 })), got('any', 1, 7)],
      /a:0:7/,
    ],
    [
      'an offset that goes back',
      [ack(0, 5), ack(1, 4), got('ordered', 0, 5), got('any', 0, 5), got('ordered', 1, 4), got('any', 1, 4)],
      /is at a:0:4/,
    ],
    [
      'a first delivery out of order',
      [ack(0), ack(1), got('ordered', 1), got('ordered', 0), got('any', 1), got('any', 0)],
      /^ordered got a:0#0 after a:0#1$/,
    ],
    ['two acknowledgements of one send', [ack(0), ack(0, 1), ...consumed(0)], /acknowledged twice/],
  ])('finds %s', (_what, history, expected) => {
    const found = checkHistory(history, OPTIONS);
    expect(found.some((line) => expected.test(line))).toBe(true);
  });

  it('tells some violations of a kind, and counts the rest', () => {
    const history = Array.from({ length: 25 }, (_, n) => ack(n));
    expect(checkHistory(history, { groups: ['any'], orderedGroups: [] })).toHaveLength(11);
  });
});

describe('outages', () => {
  it('begin with the fault, and end with what was asked for after it', () => {
    const lane = 'group-a:0';
    const events: ClientEvent[] = [
      { e: 'invoke', lane, n: 1, t: 90 },
      { e: 'ack', lane, n: 1, t: 110, queue: lane, offset: 1 },
      { e: 'read', lane, since: 95, t: 105 },
      { e: 'read', lane, since: 120, t: 125 },
      { e: 'invoke', lane, n: 2, t: 130 },
      { e: 'ack', lane, n: 2, t: 400, queue: lane, offset: 2 },
    ];
    const loss = { t: 100, group: 'group-a', what: 'kill' };
    expect(outagesOf(events, [loss])).toEqual([{ ...loss, withoutWritesMs: 300, withoutReadsMs: 25 }]);
    expect(outagesOf(events, [{ ...loss, group: 'group-b' }])[0].withoutWritesMs).toBeUndefined();
    expect([0.5, 0.99].map((share) => percentile([4, 1, 3, 2], share))).toEqual([2, 4]);
  });
});

describe('the plan of a run', () => {
  const options = {
    seed: 1,
    durationMs: 600_000,
    groups: 2,
    membersPerGroup: 3,
    namesrvs: 2,
    cutsLines: true,
    hasLeaseStore: true,
  };

  it('is the same for the same seed, holds every fault, and only those that can be done', () => {
    expect(makePlan(options)).toEqual(makePlan(options));
    expect(makePlan({ ...options, seed: 2 })).not.toEqual(makePlan(options));
    const kinds = (plan: ReturnType<typeof makePlan>): string[] => [...new Set(plan.map(({ kind }) => kind))].sort();
    expect(kinds(makePlan({ ...options, durationMs: 6_000_000 }))).toEqual([
      'cutAll',
      'cutGroup',
      'cutLease',
      'kill',
      'pause',
      'slow',
    ]);
    const onLoopback = { ...options, durationMs: 6_000_000, cutsLines: false };
    expect(kinds(makePlan(onLoopback))).toEqual(['kill', 'pause', 'slow']);
  });
});
