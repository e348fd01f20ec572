import type { History } from './history.js';
import { makeHistory } from './history.js';
import type { SimVariant, TraceLevel } from './sim-run.js';
import { SimRun } from './sim-run.js';
import { SimViolation } from './sim-violation.js';

/** How one history went. */
export interface SimOutcome {
  readonly seed: number;
  /** The invariant that was broken, and how; undefined when all held. */
  readonly violation: { readonly invariant: string; readonly message: string } | undefined;
  readonly steps: number;
  readonly messages: number;
  readonly opens: number;
  readonly crashes: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly trace: readonly string[];
}

/** Plays one history from the start to the end, or to the first broken invariant. */
export async function playHistory(
  history: History,
  variant: SimVariant = {},
  traceLevel: TraceLevel = 'none',
): Promise<SimOutcome> {
  const run = new SimRun(history, variant, traceLevel);
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
    seed: history.seed,
    violation,
    steps: history.steps.length,
    messages: run.model.messages.size,
    opens: run.opens,
    crashes: run.crashes,
    events: run.world.events,
    virtualMs: run.world.nowMs,
    trace: run.trace.lines,
  };
}

export function playSeed(
  seed: number,
  stepCount?: number,
  variant?: SimVariant,
  traceLevel?: TraceLevel,
): Promise<SimOutcome> {
  return playHistory(makeHistory(seed, stepCount), variant, traceLevel);
}

/**
 * A shorter history that breaks the same invariant: pieces of the history are left out, large ones first, as long as it still fails
 * (delta debugging).
 */
export async function shrinkHistory(history: History, variant?: SimVariant, maxRuns = 400): Promise<History> {
  const wanted = (await playHistory(history, variant)).violation?.invariant;
  if (wanted === undefined) return history;
  let { steps } = history;
  let runs = 0;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = steps.length - size; from > -size && runs < maxRuns; from -= size) {
      const start = Math.max(0, from);
      const shorter = [...steps.slice(0, start), ...steps.slice(from + size)];
      if (shorter.length === steps.length) continue;
      runs++;
      const outcome = await playHistory({ ...history, steps: shorter }, variant);
      if (outcome.violation?.invariant === wanted) steps = shorter;
    }
  }
  return { ...history, steps };
}
