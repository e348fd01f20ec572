import type { SimOutcome } from '../../libs/store/src/simulation/simulate.js';
import { playSeed } from '../../libs/store/src/simulation/simulate.js';
import { playReplicationSeed } from './replication/play.js';

/** What a simulation is of. */
export type SimKind = 'store' | 'replication';

export const KINDS: readonly SimKind[] = ['store', 'replication'];

/** Plays the history of one seed. */
export function playKind(kind: SimKind, seed: number, stepCount?: number, isTraced = false): Promise<SimOutcome> {
  if (kind === 'replication') return playReplicationSeed(seed, stepCount, isTraced);
  return playSeed(seed, stepCount, {}, isTraced ? 'events' : 'none');
}
