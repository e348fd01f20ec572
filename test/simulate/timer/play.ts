import type { SimOutcome } from '../../../libs/store/src/simulation/simulate.js';
import { SimViolation } from '../../../libs/store/src/simulation/sim-violation.js';
import { makeTimerHistory } from './timer-history.js';
import { TimerRunOfHistory } from './timer-run.js';

/** How a history of timer messages went. */
export interface TimerOutcome extends SimOutcome {
  readonly delivered: number;
}

/** Plays the history of one seed, from the start to the end or to the first broken invariant. */
export async function playTimerSeed(seed: number, stepCount?: number, isTraced = false): Promise<TimerOutcome> {
  const history = makeTimerHistory(seed, stepCount);
  const run = new TimerRunOfHistory(history, isTraced);
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
    steps: history.steps.length,
    messages: run.ledger.messages.size,
    delivered: run.ledger.delivered,
    opens: run.opens,
    crashes: run.crashes,
    events: run.world.events,
    virtualMs: run.world.nowMs,
    trace: run.trace.lines,
  };
}
