import { describe, expect, it } from 'vitest';
import { makeTimerHistory } from './timer/timer-history.js';
import { playTimerSeed } from './timer/play.js';

/** Seeds that CI plays; `npm run simulate -- --kind timer --seeds 1000` plays more. */
const SEEDS = 16;
const PIECES = 2;

describe('timer messages in a simulated world', () => {
  for (let piece = 0; piece < PIECES; piece++) {
    const from = 1 + piece * (SEEDS / PIECES);
    const to = from + SEEDS / PIECES - 1;
    it(`are delivered once, whole and in time in the histories of seeds ${from} to ${to}`, async () => {
      const failures: string[] = [];
      let delivered = 0;
      for (let seed = from; seed <= to; seed++) {
        const outcome = await playTimerSeed(seed);
        delivered += outcome.delivered;
        if (outcome.violation === undefined) continue;
        failures.push(`${outcome.violation.message} (replay: npm run simulate -- --kind timer --seed ${seed})`);
      }
      expect(failures).toEqual([]);
      expect(delivered).toBeGreaterThan(100);
    }, 240_000);
  }

  it('play a seed the same way each time', async () => {
    const first = await playTimerSeed(3, undefined, true);
    expect(first.trace.length).toBeGreaterThan(40);
    expect(await playTimerSeed(3, undefined, true)).toEqual(first);
  }, 120_000);

  it('have histories of many kinds', () => {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 100; seed++) for (const step of makeTimerHistory(seed).steps) kinds.add(step.kind);
    expect([...kinds].sort()).toEqual(
      ['put', 'recall', 'run', 'restart', 'crash', 'syncError', 'writeError', 'readError', 'slow', 'heal']
        .concat(['diskFull', 'wallClock', 'lose'])
        .sort(),
    );
  });
});
