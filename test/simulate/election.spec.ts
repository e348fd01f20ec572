import { describe, expect, it } from 'vitest';
import { playGroupSeed, type SimGroupOutcome } from './election/sim-group.js';

const SEEDS = 160;
const PIECES = 4;

describe('a broker group with a lease in a simulated world', () => {
  for (let piece = 0; piece < PIECES; piece++) {
    const from = 1 + piece * (SEEDS / PIECES);
    const to = from + SEEDS / PIECES - 1;
    it(`loses nothing that it acknowledged, and shows nothing twice, in the histories of seeds ${from} to ${to}`, async () => {
      const outcomes: SimGroupOutcome[] = [];
      for (let seed = from; seed <= to; seed++) outcomes.push(await playGroupSeed(seed));
      expect(outcomes.flatMap(({ violation }) => violation ?? [])).toEqual([]);
      const sum = (of: (outcome: SimGroupOutcome) => number): number => outcomes.reduce((all, one) => all + of(one), 0);
      expect(sum(({ acknowledged }) => acknowledged)).toBeGreaterThan(10_000);
      expect(sum(({ terms }) => terms)).toBeGreaterThan(120);
      expect(sum(({ cuts }) => cuts)).toBeGreaterThan(10);
    }, 120_000);
  }

  it('plays a seed the same way each time', async () => {
    expect(await playGroupSeed(7)).toEqual(await playGroupSeed(7));
  });
});
