import type { CrashKind } from '../../../libs/store/src/simulation/sim-crash.js';
import type { NameLoss } from '../../../libs/store/src/simulation/sim-disk.js';
import type { CrashPlan } from '../../../libs/store/src/simulation/sim-host.js';
import { SimRandom } from '../../../libs/store/src/simulation/sim-random.js';
import type { FlushDiskType } from '../../../libs/store/src/types.js';

/** The world, the store and the timer of one history. */
export interface TimerConfig {
  readonly flushDiskType: FlushDiskType;
  readonly pageBytes: number;
  readonly nameLoss: NameLoss;
  readonly segmentSizeBytes: number;
  readonly consumeQueueFileEntries: number;
  readonly flushIntervalMs: number;
  readonly consumeQueueFlushIntervalMs: number;
  readonly checkpointIntervalMs: number;
  readonly timerFlushIntervalMs: number;
  readonly timerLogFileBytes: number;
  /** Messages due later wait in steps. */
  readonly rollWindowMs: number;
  /** For how long segments are kept; undefined: for ever. Always longer than any message waits in one step. */
  readonly reservedMs: number | undefined;
}

/** One thing that happens. `seed` decides all that is random about it. */
export type TimerStep = { readonly seed: number } & (
  | { readonly kind: 'put'; readonly count: number; readonly maxDelayMs: number }
  | { readonly kind: 'recall'; readonly count: number }
  | { readonly kind: 'run'; readonly ms: number }
  | { readonly kind: 'restart'; readonly downMs: number }
  | {
      readonly kind: 'crash';
      readonly crash: CrashPlan;
      readonly recovery: readonly CrashPlan[];
      readonly downMs: number;
    }
  | { readonly kind: 'syncError' | 'writeError' | 'readError'; readonly inCalls: number }
  | { readonly kind: 'slow'; readonly share: number; readonly ms: number }
  | { readonly kind: 'heal' }
  | { readonly kind: 'diskFull'; readonly freePages: number }
  | { readonly kind: 'wallClock'; readonly ms: number }
  | { readonly kind: 'lose'; readonly what: TimerLoss }
);

/** A file that somebody takes away while the store is stopped. */
export type TimerLoss = 'timerwheel' | 'timerlog' | 'config/timercheck' | 'consumequeue' | 'checkpoint';

export interface TimerHistory {
  readonly seed: number;
  readonly config: TimerConfig;
  readonly steps: readonly TimerStep[];
}

const DEFAULT_STEPS = 40;
const LOSSES: readonly TimerLoss[] = ['timerwheel', 'timerlog', 'config/timercheck', 'consumequeue', 'checkpoint'];

const BASE = { put: 10, recall: 3, run: 14, restart: 1, kill: 0, power: 0, fault: 0, slow: 0.5, full: 0, clock: 0 };

/** What a history is mostly about. */
const PROFILES = {
  calm: { ...BASE, restart: 3, clock: 0.5, lose: 0.5 },
  kill: { ...BASE, kill: 5, clock: 0.3, lose: 0.3 },
  power: { ...BASE, kill: 1, power: 5, clock: 0.3, lose: 0 },
  full: { ...BASE, restart: 2, kill: 2, power: 1, full: 4, lose: 0 },
  faults: { ...BASE, restart: 2, kill: 2, power: 2, fault: 4, slow: 2, full: 1, lose: 0 },
} as const;

export function makeTimerHistory(seed: number, stepCount = DEFAULT_STEPS): TimerHistory {
  const random = new SimRandom(seed);
  const name = random.weighted({ calm: 2, kill: 4, power: 4, full: 2, faults: 3 });
  const config = makeConfig(random, name !== 'full' && name !== 'faults');
  const steps: TimerStep[] = [];
  while (steps.length < stepCount) steps.push(makeStep(random, PROFILES[name], config));
  return { seed, config, steps };
}

function makeConfig(random: SimRandom, mayExpire: boolean): TimerConfig {
  const rollWindowMs = random.pick([6_000, 20_000, 172_800_000]);
  return {
    flushDiskType: random.chance(0.5) ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
    pageBytes: random.pick([512, 4096]),
    nameLoss: random.chance(0.5) ? 'ordered' : 'independent',
    segmentSizeBytes: random.pick([8192, 16_384, 65_536]),
    consumeQueueFileEntries: random.pick([10, 1000]),
    flushIntervalMs: random.pick([20, 500]),
    consumeQueueFlushIntervalMs: random.pick([20, 1000]),
    checkpointIntervalMs: random.pick([200, 10_000]),
    timerFlushIntervalMs: random.pick([50, 1000]),
    timerLogFileBytes: random.pick([52 * 4 + 16, 52 * 20 + 30, 4096, 65_536]),
    rollWindowMs,
    reservedMs: mayExpire && rollWindowMs < 60_000 && random.chance(0.5) ? 120_000 : undefined,
  };
}

function makeStep(
  random: SimRandom,
  profile: (typeof PROFILES)[keyof typeof PROFILES],
  { reservedMs }: TimerConfig,
): TimerStep {
  const seed = random.next();
  const name = random.weighted(profile);
  const downMs = random.pick([1, 1, 900, 5_000]);
  switch (name) {
    case 'put':
      return {
        seed,
        kind: 'put',
        count: random.pick([1, 1, 2, 8, 30]),
        maxDelayMs: random.pick([0, 1500, 1500, 8_000, 45_000, 100_000]),
      };
    case 'recall':
      return { seed, kind: 'recall', count: random.between(1, 4) };
    case 'run':
      return { seed, kind: 'run', ms: random.pick([0.5, 5, 60, 700, 700, 2_500, 6_000]) };
    case 'restart':
      return { seed, kind: 'restart', downMs };
    case 'kill':
    case 'power':
      return {
        seed,
        kind: 'crash',
        crash: { kind: name, afterOperations: random.chance(0.3) ? 0 : random.between(1, random.pick([5, 30, 150])) },
        recovery: recoveryCrashes(random, name),
        downMs,
      };
    case 'fault': {
      const kind = random.pick(['syncError', 'syncError', 'writeError', 'readError', 'heal'] as const);
      return kind === 'heal' ? { seed, kind } : { seed, kind, inCalls: random.between(1, 12) };
    }
    case 'slow':
      // With retention nothing may take so long that segments grow old meanwhile.
      return {
        seed,
        kind: 'slow',
        share: random.pick([0, 0.05, 0.3]),
        ms: random.pick(reservedMs === undefined ? [2, 30, 800] : [2, 30]),
      };
    case 'full':
      return { seed, kind: random.chance(0.4) ? 'heal' : 'diskFull', freePages: random.between(0, 12) };
    case 'clock':
      // With retention no step may make a segment old while its messages still wait.
      return {
        seed,
        kind: 'wallClock',
        ms: random.pick(reservedMs === undefined ? [-40_000, -500, 700, 90_000] : [-500, 700]),
      };
    case 'lose':
      return { seed, kind: 'lose', what: random.pick(LOSSES) };
  }
}

function recoveryCrashes(random: SimRandom, kind: CrashKind): CrashPlan[] {
  const crashes: CrashPlan[] = [];
  while (random.chance(0.35) && crashes.length < 3) {
    const other = random.chance(0.3) ? 'kill' : kind;
    crashes.push({ kind: other, afterOperations: random.between(1, random.pick([20, 80, 200])) });
  }
  return crashes;
}
