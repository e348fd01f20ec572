import { describe, expect, it } from 'vitest';
import { makeHistory } from '../../libs/store/src/simulation/history.js';
import { playSeed } from '../../libs/store/src/simulation/simulate.js';

/** Seeds that CI plays; `npm run simulate -- --seeds 1000` plays more. */
const SEEDS = 320;

/** Seeds that once broke an invariant, and which. Histories change with the generator: the named specs hold the bugs for good. */
const PIECES = 4;

describe('a store in a simulated world', () => {
  for (let piece = 0; piece < PIECES; piece++) {
    const from = 1 + piece * (SEEDS / PIECES);
    const to = from + SEEDS / PIECES - 1;
    it(`keeps every invariant in the histories of seeds ${from} to ${to}`, async () => {
      const failures: string[] = [];
      for (let seed = from; seed <= to; seed++) {
        const { violation } = await playSeed(seed);
        if (violation !== undefined) failures.push(`${violation.message} (replay: npm run simulate -- --seed ${seed})`);
      }
      expect(failures).toEqual([]);
    }, 120_000);
  }

  it('plays a seed the same way each time', async () => {
    for (const seed of [3, 4, 5]) {
      const first = await playSeed(seed, undefined, undefined, 'files');
      const second = await playSeed(seed, undefined, undefined, 'files');
      expect(first.trace.length).toBeGreaterThan(100);
      expect(second).toEqual(first);
    }
  }, 60_000);

  it('makes histories of many kinds', () => {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 100; seed++) for (const step of makeHistory(seed).steps) kinds.add(step.kind);
    expect([...kinds].sort()).toEqual(
      ['put', 'batch', 'run', 'pull', 'deleteTopic', 'restart', 'crash', 'syncError', 'writeError', 'readError']
        .concat(['shortWrites', 'slow', 'heal', 'diskFull', 'wallClock', 'lose'])
        .sort(),
    );
  });
});
