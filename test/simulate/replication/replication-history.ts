import type { CrashPlan } from '../../../libs/store/src/simulation/sim-host.js';
import { SimRandom } from '../../../libs/store/src/simulation/sim-random.js';

/** A group of brokers and the machines under it. */
export interface ReplicationConfig {
  readonly slaves: number;
  readonly brokerRole: 'SYNC_MASTER' | 'ASYNC_MASTER';
  /** All slaves that are in sync must have a message, not just one. */
  readonly allAckInSyncStateSet: boolean;
  readonly flushDiskType: 'SYNC_FLUSH' | 'ASYNC_FLUSH';
  readonly haTransferBatchSize: number;
  readonly pageBytes: number;
  readonly nameLoss: 'ordered' | 'independent';
  readonly segmentSizeBytes: number;
  readonly consumeQueueFileEntries: number;
  readonly flushIntervalMs: number;
  readonly consumeQueueFlushIntervalMs: number;
  readonly checkpointIntervalMs: number;
  readonly pageCacheBytes: number;
  readonly tailCacheBytes: number;
  readonly idleReleaseMs: number;
}

/** Which broker: the master, or a slave by its number. */
export type Who = 'master' | number;

export type ReplicationStep = { readonly seed: number } & (
  | { readonly kind: 'put'; readonly count: number; readonly maxBytes: number }
  | { readonly kind: 'run'; readonly ms: number }
  | { readonly kind: 'cutLine'; readonly who: number; readonly afterBytes: number }
  | { readonly kind: 'crash'; readonly who: Who; readonly crash: CrashPlan; readonly recovery: readonly CrashPlan[] }
  | { readonly kind: 'restart'; readonly who: Who }
  | { readonly kind: 'writeError'; readonly who: number; readonly inCalls: number }
  | { readonly kind: 'diskFull'; readonly who: number; readonly freePages: number }
  | { readonly kind: 'slow'; readonly who: Who; readonly share: number; readonly ms: number }
  | { readonly kind: 'heal' }
  /** A slave's folder is moved away: it begins anew. */
  | { readonly kind: 'wipe'; readonly who: number }
  /** The master's machine is lost for good, and a slave becomes master; a new machine joins. */
  | { readonly kind: 'failOver' }
);

export interface ReplicationHistory {
  readonly seed: number;
  readonly config: ReplicationConfig;
  readonly steps: readonly ReplicationStep[];
}

const DEFAULT_STEPS = 40;

const WEIGHTS = {
  put: 14,
  run: 12,
  cutLine: 4,
  crash: 5,
  restart: 1.5,
  writeError: 1,
  diskFull: 0.7,
  slow: 1,
  heal: 1.5,
  wipe: 0.7,
  failOver: 0.8,
} as const;

export function makeReplicationHistory(seed: number, stepCount = DEFAULT_STEPS): ReplicationHistory {
  const random = new SimRandom(seed ^ 0x52455049);
  const config: ReplicationConfig = {
    slaves: random.chance(0.5) ? 1 : 2,
    brokerRole: random.chance(0.65) ? 'SYNC_MASTER' : 'ASYNC_MASTER',
    allAckInSyncStateSet: random.chance(0.3),
    flushDiskType: random.chance(0.5) ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
    haTransferBatchSize: random.pick([50, 300, 1000, 32_768]),
    pageBytes: random.pick([512, 4096]),
    nameLoss: random.chance(0.5) ? 'ordered' : 'independent',
    segmentSizeBytes: random.pick([4096, 16_384, 65_536]),
    consumeQueueFileEntries: random.pick([3, 50, 1000]),
    flushIntervalMs: random.pick([2, 20, 500]),
    consumeQueueFlushIntervalMs: random.pick([2, 20, 1000]),
    checkpointIntervalMs: random.pick([2, 200, 10_000]),
    pageCacheBytes: random.pick([0, 4096, 1024 * 1024]),
    tailCacheBytes: random.pick([0, 128 * 1024, 4 * 1024 * 1024]),
    idleReleaseMs: random.pick([10, 15_000]),
  };
  const steps: ReplicationStep[] = [];
  while (steps.length < stepCount) steps.push(makeStep(random, config.slaves));
  return { seed, config, steps };
}

function makeStep(random: SimRandom, slaves: number): ReplicationStep {
  const seed = random.next();
  const who = random.below(slaves);
  const anyone: Who = random.chance(0.5) ? 'master' : who;
  const kind = random.weighted(WEIGHTS);
  switch (kind) {
    case 'put':
      return { seed, kind, count: random.pick([1, 2, 8, 30]), maxBytes: random.pick([40, 300, 1200, 3000]) };
    case 'run':
      return { seed, kind, ms: random.pick([0.1, 1, 5, 30, 200, 6000]) };
    case 'cutLine':
      return { seed, kind, who, afterBytes: random.chance(0.2) ? 0 : random.between(1, random.pick([20, 500, 5000])) };
    case 'crash':
      return {
        seed,
        kind,
        who: anyone,
        crash: crashPlan(random),
        recovery: random.chance(0.3) ? [crashPlan(random)] : [],
      };
    case 'restart':
      return { seed, kind, who: anyone };
    case 'writeError':
      return { seed, kind, who, inCalls: random.between(1, 8) };
    case 'diskFull':
      return { seed, kind, who, freePages: random.between(0, 12) };
    case 'slow':
      return { seed, kind, who: anyone, share: random.pick([0, 0.5]), ms: random.pick([2, 30, 1500]) };
    case 'wipe':
      return { seed, kind, who };
    default:
      return { seed, kind };
  }
}

function crashPlan(random: SimRandom): CrashPlan {
  return {
    kind: random.chance(0.6) ? 'kill' : 'power',
    afterOperations: random.chance(0.3) ? 0 : random.between(1, random.pick([5, 30, 150])),
  };
}
