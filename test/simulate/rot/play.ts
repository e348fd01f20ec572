import { makeHistory } from '../../../libs/store/src/simulation/history.js';
import type { SimOutcome } from '../../../libs/store/src/simulation/simulate.js';
import { SimViolation } from '../../../libs/store/src/simulation/sim-violation.js';
import { RotRun, roundsOf } from './rot-run.js';

/** How a history of damaged files went. */
export interface RotOutcome extends SimOutcome {
  readonly refusals: number;
}

/** Plays the history of one seed, from the start to the end or to the first broken invariant. */
export async function playRotSeed(seed: number, rounds = roundsOf(seed), isTraced = false): Promise<RotOutcome> {
  const run = new RotRun(makeHistory(seed, 0).config, seed, rounds, isTraced);
  let violation: SimOutcome['violation'];
  try {
    await run.run();
  } catch (error) {
    const { message, stack } = error as Error;
    violation =
      error instanceof SimViolation
        ? { invariant: error.invariant, message }
        : { invariant: 'simulator', message: stack ?? message };
  }
  return {
    seed,
    violation,
    steps: rounds,
    messages: run.messages.size,
    refusals: run.refusals,
    opens: run.opens,
    crashes: run.kills,
    events: run.world.events,
    virtualMs: run.world.nowMs,
    trace: run.trace.lines,
  };
}
