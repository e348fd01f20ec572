import { describe, expect, it } from 'vitest';
import { DeliveredCopies } from '../../libs/store/src/timer/delivered-copies.js';
import { TimerDequeuer } from '../../libs/store/src/timer/timer-dequeuer.js';
import { playTimerSeed } from './timer/play.js';

/** Far more than any of them needs. */
const MAX_SEEDS = 200;

/** Replaces a method. @returns what takes it back. */
function replaced<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  change: (original: T[K]) => T[K],
): () => void {
  const original = prototype[name];
  prototype[name] = change(original);
  return () => {
    prototype[name] = original;
  };
}

const mutants: readonly { readonly name: string; readonly install: () => () => void }[] = [
  {
    name: 'forgets what it delivered when it is killed',
    install: () => replaced(DeliveredCopies.prototype, 'take', () => () => false),
  },
  {
    name: 'takes a recall for a message',
    install: () =>
      replaced(TimerDequeuer.prototype, 'offer', (original) => {
        return function (this: TimerDequeuer, unit, position) {
          original.call(this, unit, position, undefined);
        };
      }),
  },
  {
    name: 'does not wake when an earlier message comes',
    install: () => replaced(TimerDequeuer.prototype, 'noteEarliest', () => () => undefined),
  },
];

describe('the simulator notices a timer that', () => {
  for (const { name, install } of mutants) {
    it(
      name,
      async () => {
        const uninstall = install();
        let found: number | undefined;
        try {
          for (let seed = 1; seed <= MAX_SEEDS && found === undefined; seed++) {
            const { violation } = await playTimerSeed(seed);
            // A crash of the simulator itself is no find.
            if (violation !== undefined && violation.invariant !== 'simulator') found = seed;
          }
        } finally {
          uninstall();
        }
        expect(found, `none of ${MAX_SEEDS} seeds`).toBeDefined();
      },
      240_000,
    );
  }
});
