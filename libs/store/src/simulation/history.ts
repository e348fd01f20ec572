import { SCHEDULE_TOPIC } from '@rocknest/protocol';
import type { FlushDiskType } from '../types.js';
import type { NameLoss } from './sim-disk.js';
import type { CrashKind } from './sim-crash.js';
import type { CrashPlan } from './sim-host.js';

import { SimRandom } from './sim-random.js';

/** The world and the store of one history. Files are small, so that a short history crosses many of their borders. */
export interface SimConfig {
  readonly flushDiskType: FlushDiskType;
  readonly pageBytes: number;
  readonly nameLoss: NameLoss;
  readonly segmentSizeBytes: number;
  readonly consumeQueueFileEntries: number;
  readonly flushIntervalMs: number;
  readonly consumeQueueFlushIntervalMs: number;
  readonly checkpointIntervalMs: number;
  readonly syncWriteMaxBytes: number;
  readonly syncFlushTimeoutMs: number;
  readonly pageCacheBytes: number;
  readonly readCacheBytes: number;
  readonly tailCacheBytes: number;
  readonly idleReleaseMs: number;
  readonly maxOpenFiles: number;
  readonly maxPendingAppends: number;
  readonly queueTableMinQueues: number;
  readonly maxHashSlotNum: number;
  readonly maxIndexNum: number;
  readonly holdBackQueues: number;
  /** Old segments are deleted; otherwise the log must keep everything. */
  readonly retention: boolean;
  readonly topics: readonly string[];
  readonly queues: number;
}

/** One thing that happens. `seed` decides all that is random about it, so that a history without its neighbours is much the same. */
export type Step = { readonly seed: number } & (
  | { readonly kind: 'put'; readonly count: number; readonly maxBytes: number }
  | { readonly kind: 'batch'; readonly count: number; readonly maxBytes: number }
  | { readonly kind: 'run'; readonly ms: number }
  | { readonly kind: 'pull'; readonly count: number }
  | { readonly kind: 'deleteTopic' }
  | { readonly kind: 'restart' }
  | {
      readonly kind: 'crash';
      /** At the n-th call on the file system from now on, or at once (0). */ readonly crash: CrashPlan;
      readonly recovery: readonly CrashPlan[];
    }
  | { readonly kind: 'syncError' | 'writeError' | 'readError'; readonly inCalls: number }
  | { readonly kind: 'shortWrites'; readonly share: number }
  | { readonly kind: 'slow'; readonly share: number; readonly ms: number }
  | { readonly kind: 'heal' }
  | { readonly kind: 'diskFull'; readonly freePages: number }
  | { readonly kind: 'wallClock'; readonly ms: number }
  | { readonly kind: 'lose'; readonly what: 'checkpoint' | 'queues' | 'queue' }
);

export interface History {
  readonly seed: number;
  readonly config: SimConfig;
  readonly steps: readonly Step[];
}

const DEFAULT_STEPS = 60;

/** What a history is mostly about. */
const PROFILES = {
  calm: {
    put: 12,
    batch: 4,
    run: 10,
    pull: 6,
    deleteTopic: 1,
    restart: 3,
    kill: 0,
    power: 0,
    fault: 0,
    slow: 1,
    full: 0,
    clock: 0.3,
    lose: 0.3,
  },
  kill: {
    put: 12,
    batch: 4,
    run: 8,
    pull: 3,
    deleteTopic: 0.6,
    restart: 1,
    kill: 5,
    power: 0,
    fault: 0,
    slow: 1,
    full: 0,
    clock: 0.3,
    lose: 0.3,
  },
  power: {
    put: 12,
    batch: 4,
    run: 8,
    pull: 3,
    deleteTopic: 0.6,
    restart: 1,
    kill: 1,
    power: 5,
    fault: 0,
    slow: 1,
    full: 0,
    clock: 0.3,
    lose: 0.3,
  },
  full: {
    put: 12,
    batch: 4,
    run: 8,
    pull: 3,
    deleteTopic: 1,
    restart: 2,
    kill: 2,
    power: 1,
    fault: 0,
    slow: 0,
    full: 4,
    clock: 0,
    lose: 0,
  },
  faults: {
    put: 12,
    batch: 4,
    run: 8,
    pull: 4,
    deleteTopic: 0.6,
    restart: 2,
    kill: 2,
    power: 2,
    fault: 4,
    slow: 2,
    full: 1,
    clock: 0,
    lose: 0,
  },
} as const;

export function makeHistory(seed: number, stepCount = DEFAULT_STEPS): History {
  const random = new SimRandom(seed);
  const config = makeConfig(random);
  const profile = PROFILES[random.weighted({ calm: 1, kill: 3, power: 4, full: 2, faults: 3 })];
  const steps: Step[] = [];
  while (steps.length < stepCount) steps.push(makeStep(random, profile));
  return { seed, config, steps };
}

function makeConfig(random: SimRandom): SimConfig {
  return {
    flushDiskType: random.chance(0.5) ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
    pageBytes: random.pick([512, 1024, 4096]),
    nameLoss: random.chance(0.5) ? 'ordered' : 'independent',
    segmentSizeBytes: random.pick([4096, 8192, 16_384, 65_536]),
    consumeQueueFileEntries: random.pick([3, 10, 50, 1000]),
    flushIntervalMs: random.pick([2, 20, 500]),
    consumeQueueFlushIntervalMs: random.pick([2, 20, 1000]),
    checkpointIntervalMs: random.pick([2, 20, 200, 10_000]),
    syncWriteMaxBytes: random.pick([0, 1000, 512 * 1024]),
    syncFlushTimeoutMs: random.pick([20, 5000]),
    pageCacheBytes: random.pick([0, 4096, 1024 * 1024]),
    readCacheBytes: random.pick([0, 16_384, 1024 * 1024]),
    tailCacheBytes: random.pick([0, 128 * 1024, 4 * 1024 * 1024]),
    idleReleaseMs: random.pick([10, 15_000]),
    maxOpenFiles: random.pick([1, 3, 256]),
    maxPendingAppends: random.pick([20, 100_000]),
    queueTableMinQueues: random.pick([1, 1000]),
    maxHashSlotNum: random.pick([1, 20, 200]),
    maxIndexNum: random.pick([5, 50, 500]),
    holdBackQueues: random.pick([0, 1, 1000]),
    retention: random.chance(0.4),
    topics: random.chance(0.3)
      ? ['Orders', SCHEDULE_TOPIC]
      : ['Orders', 'Bills', 'Mail'].slice(0, random.between(1, 3)),
    queues: random.between(1, 3),
  };
}

function makeStep(random: SimRandom, profile: (typeof PROFILES)[keyof typeof PROFILES]): Step {
  const seed = random.next();
  const maxBytes = random.pick([40, 300, 1200, 3000]);
  const name = random.weighted(profile);
  switch (name) {
    case 'put':
      return { seed, kind: 'put', count: random.pick([1, 1, 2, 8, 30]), maxBytes };
    case 'batch':
      return { seed, kind: 'batch', count: random.between(1, 9), maxBytes: Math.min(maxBytes, 400) };
    case 'run':
      return { seed, kind: 'run', ms: random.pick([0.1, 1, 5, 30, 200, 1500]) };
    case 'pull':
      return { seed, kind: 'pull', count: random.between(1, 4) };
    case 'deleteTopic':
    case 'restart':
      return { seed, kind: name };
    case 'kill':
    case 'power':
      return { seed, kind: 'crash', crash: crashPlan(random, name), recovery: recoveryCrashes(random, name) };
    case 'fault':
      return makeFault(random, seed);
    case 'slow':
      return { seed, kind: 'slow', share: random.pick([0, 0.05, 0.5]), ms: random.pick([2, 30, 1500]) };
    case 'full':
      return { seed, kind: random.chance(0.35) ? 'heal' : 'diskFull', freePages: random.between(0, 12) };
    case 'clock':
      return { seed, kind: 'wallClock', ms: random.pick([-60_000, -500, 700, 3_600_000]) };
    case 'lose':
      return { seed, kind: 'lose', what: random.pick(['checkpoint', 'queues', 'queue'] as const) };
  }
}

function makeFault(random: SimRandom, seed: number): Step {
  const kind = random.pick(['syncError', 'syncError', 'writeError', 'readError', 'shortWrites', 'heal'] as const);
  if (kind === 'shortWrites') return { seed, kind, share: random.pick([0.1, 0.9]) };
  if (kind === 'heal') return { seed, kind };
  return { seed, kind, inCalls: random.between(1, 12) };
}

function crashPlan(random: SimRandom, kind: CrashKind): CrashPlan {
  return { kind, afterOperations: random.chance(0.3) ? 0 : random.between(1, random.pick([5, 30, 150])) };
}

function recoveryCrashes(random: SimRandom, kind: CrashKind): CrashPlan[] {
  const crashes: CrashPlan[] = [];
  while (random.chance(0.35) && crashes.length < 4) {
    const other = random.chance(0.3) ? 'kill' : kind;
    crashes.push({ kind: other, afterOperations: random.between(1, random.pick([10, 40, 150])) });
  }
  return crashes;
}
