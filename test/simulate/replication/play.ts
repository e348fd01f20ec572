import { SimViolation } from '../../../libs/store/src/simulation/sim-violation.js';
import type { SimOutcome } from '../../../libs/store/src/simulation/simulate.js';
import { makeReplicationHistory } from './replication-history.js';
import { ReplicationRun } from './replication-run.js';

/** How a history of a group went. */
export interface ReplicationOutcome extends SimOutcome {
  readonly acknowledged: number;
  readonly cuts: number;
  readonly failOvers: number;
  readonly deliveredBytes: number;
}

/** Plays the history of one seed, from the start to the end or to the first broken invariant. */
export async function playReplicationSeed(
  seed: number,
  stepCount?: number,
  isTraced = false,
): Promise<ReplicationOutcome> {
  const history = makeReplicationHistory(seed, stepCount);
  const run = new ReplicationRun(history, isTraced);
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
    messages: run.messages.size,
    acknowledged: run.acknowledged,
    opens: run.opens,
    crashes: run.crashes,
    cuts: run.network.cuts,
    failOvers: run.failOvers,
    deliveredBytes: run.network.deliveredBytes,
    events: run.world.events,
    virtualMs: run.world.nowMs,
    trace: run.trace.lines,
  };
}
