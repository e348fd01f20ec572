import { describe, expect, it } from 'vitest';
import { playReplicationSeed, type ReplicationOutcome } from './replication/play.js';

/** Seeds that CI plays; `npm run simulate -- --kind replication --seeds 1000` plays more. */
const SEEDS = 90;
const PIECES = 3;

describe('a master and its slaves in a simulated world', () => {
  for (let piece = 0; piece < PIECES; piece++) {
    const from = 1 + piece * (SEEDS / PIECES);
    const to = from + SEEDS / PIECES - 1;
    it(`have one log, and lose nothing that two of them had, in the histories of seeds ${from} to ${to}`, async () => {
      const outcomes: ReplicationOutcome[] = [];
      for (let seed = from; seed <= to; seed++) outcomes.push(await playReplicationSeed(seed));
      const failures = outcomes.flatMap(({ seed, violation }) =>
        violation === undefined
          ? []
          : [`${violation.message} (replay: npm run simulate -- --kind replication --seed ${seed})`],
      );
      expect(failures).toEqual([]);
      const sum = (of: (outcome: ReplicationOutcome) => number): number =>
        outcomes.reduce((all, one) => all + of(one), 0);
      expect(sum(({ acknowledged }) => acknowledged)).toBeGreaterThan(500);
      expect(sum(({ cuts }) => cuts)).toBeGreaterThan(50);
      expect(sum(({ crashes }) => crashes)).toBeGreaterThan(40);
      expect(sum(({ failOvers }) => failOvers)).toBeGreaterThan(5);
    }, 120_000);
  }

  it('plays a seed the same way each time', async () => {
    const first = await playReplicationSeed(3, undefined, true);
    expect(first.trace.length).toBeGreaterThan(50);
    expect(await playReplicationSeed(3, undefined, true)).toEqual(first);
  });
});
