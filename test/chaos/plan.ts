import { SimRandom } from '../../libs/store/src/simulation/sim-random.js';

/**
 * What is done to a member: `kill` SIGKILL, and started again afterwards; `pause` SIGSTOP; `slow` stopped most of the time, in short turns;
 * `cutGroup` no line to the other members of its group; `cutAll` no line to anybody; `cutLease` none to the lease store.
 */
export type FaultKind = 'kill' | 'pause' | 'slow' | 'cutGroup' | 'cutAll' | 'cutLease';

/** Whom: the member that is master of its group at that moment, any broker, or a namesrv. */
export type FaultTarget =
  | { readonly role: 'master'; readonly group: number }
  | { readonly role: 'broker'; readonly group: number; readonly index: number }
  | { readonly role: 'namesrv'; readonly index: number };

export interface Fault {
  /** Since the beginning of the run. */
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly target: FaultTarget;
  readonly durationMs: number;
}

export interface PlanOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly groups: number;
  readonly membersPerGroup: number;
  readonly namesrvs: number;
  /** Lines can be cut. */
  readonly cutsLines: boolean;
  /** There is a lease store to be cut off from. */
  readonly hasLeaseStore: boolean;
}

/** `overlapping`: whatever comes, also several at once. `single`: one master is lost at a time, and the group is whole again before the next one. */
export type FaultStyle = 'overlapping' | 'single';

/** From the undoing of a single fault to the next one: a member is back in sync by then. */
const SINGLE_REST_MS = { low: 10_000, high: 15_000 };
/** Long enough that somebody else must lead. */
const SINGLE_DURATION_MS = { low: 6_000, high: 12_000 };

/** The losses of masters of a run, one after the other. */
export function makeSinglePlan(options: PlanOptions): Fault[] {
  const random = new SimRandom(options.seed);
  const faults: Fault[] = [];
  let atMs = random.between(SINGLE_REST_MS.low, SINGLE_REST_MS.high);
  while (atMs < options.durationMs * 0.9) {
    const kind = random.weighted({ kill: 3, pause: 2, cutAll: options.cutsLines ? 2 : 0 });
    const durationMs = random.between(SINGLE_DURATION_MS.low, SINGLE_DURATION_MS.high);
    faults.push({ atMs, kind, target: { role: 'master', group: random.below(options.groups) }, durationMs });
    atMs += durationMs + random.between(SINGLE_REST_MS.low, SINGLE_REST_MS.high);
  }
  return faults;
}

/** Between the beginnings of two faults; they may overlap. */
const GAP_MS = { low: 1_500, high: 9_000 };
const DURATION_MS: Readonly<Record<FaultKind, readonly [number, number]>> = {
  kill: [300, 8_000],
  pause: [200, 15_000],
  slow: [2_000, 10_000],
  cutGroup: [500, 12_000],
  cutAll: [500, 12_000],
  cutLease: [500, 12_000],
};

/** The faults of a run, the same for the same seed. None begins in the last tenth. */
export function makePlan(options: PlanOptions): Fault[] {
  const random = new SimRandom(options.seed);
  const faults: Fault[] = [];
  let atMs = random.between(GAP_MS.low, GAP_MS.high);
  while (atMs < options.durationMs * 0.9) {
    const target = pickTarget(random, options);
    const kind = pickKind(random, options, target);
    faults.push({ atMs, kind, target, durationMs: random.between(...DURATION_MS[kind]) });
    atMs += random.between(GAP_MS.low, GAP_MS.high);
  }
  return faults;
}

function pickTarget(random: SimRandom, options: PlanOptions): FaultTarget {
  const role = random.weighted({ master: 5, broker: 4, namesrv: 1 });
  if (role === 'namesrv') return { role, index: random.below(options.namesrvs) };
  const group = random.below(options.groups);
  if (role === 'master') return { role, group };
  return { role, group, index: random.below(options.membersPerGroup) };
}

function pickKind(random: SimRandom, options: PlanOptions, { role }: FaultTarget): FaultKind {
  const lines = options.cutsLines ? 1 : 0;
  if (role === 'namesrv') return random.weighted({ kill: 2, pause: 2, cutAll: lines });
  const cutLease = options.hasLeaseStore ? lines : 0;
  return random.weighted({ kill: 4, pause: 3, slow: 1, cutGroup: 2 * lines, cutAll: 2 * lines, cutLease });
}
