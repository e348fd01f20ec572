import { describe, expect, it } from 'vitest';
import { playSeed } from '../../libs/store/src/simulation/simulate.js';
import { mutants } from './mutants.js';

/** Far more than any of them needs; the rarest takes about a hundred. */
const MAX_SEEDS = 400;

describe('the simulator notices a store that', () => {
  for (const { name, variant, install } of mutants) {
    it(
      name,
      async () => {
        const uninstall = install?.();
        let found: number | undefined;
        try {
          for (let seed = 1; seed <= MAX_SEEDS && found === undefined; seed++) {
            const { violation } = await playSeed(seed, undefined, variant);
            // A crash of the simulator itself is no find.
            if (violation !== undefined && violation.invariant !== 'simulator') found = seed;
          }
        } finally {
          uninstall?.();
        }
        expect(found, `none of ${MAX_SEEDS} seeds`).toBeDefined();
      },
      300_000,
    );
  }
});
