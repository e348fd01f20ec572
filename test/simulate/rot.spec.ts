import { describe, expect, it } from 'vitest';
import { playRotSeed } from './rot/play.js';

/** Seeds that CI plays, and some that once broke an invariant; `npm run simulate -- --kind rot --seeds 1000` plays more. */
const SEEDS = [...Array.from({ length: 60 }, (_, i) => i + 1), 103, 135, 163];

describe('a store whose files are damaged while it is stopped, in a simulated world', () => {
  it('loses nothing before the damage, says what it loses behind it, or refuses to start, and works again with the file put back', async () => {
    const failures: string[] = [];
    let refusals = 0;
    let messages = 0;
    for (const seed of SEEDS) {
      const outcome = await playRotSeed(seed);
      refusals += outcome.refusals;
      messages += outcome.messages;
      if (outcome.violation === undefined) continue;
      failures.push(`${outcome.violation.message} (replay: npm run simulate -- --kind rot --seed ${seed})`);
    }
    expect(failures).toEqual([]);
    expect(refusals).toBeGreaterThan(5);
    expect(messages).toBeGreaterThan(3_000);
  }, 120_000);

  it('plays a seed the same way each time', async () => {
    const first = await playRotSeed(5, undefined, true);
    expect(first.trace.length).toBeGreaterThan(10);
    expect(await playRotSeed(5, undefined, true)).toEqual(first);
  }, 60_000);
});
