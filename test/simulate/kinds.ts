import type { SimOutcome } from '../../libs/store/src/simulation/simulate.js';
import { playSeed } from '../../libs/store/src/simulation/simulate.js';
import { playReplicationSeed } from './replication/play.js';
import { playRotSeed } from './rot/play.js';
import { playTimerSeed } from './timer/play.js';

/** What a simulation is of. */
export type SimKind = 'store' | 'replication' | 'timer' | 'rot';

export const KINDS: readonly SimKind[] = ['store', 'replication', 'timer', 'rot'];

/** Plays the history of one seed. */
export function playKind(kind: SimKind, seed: number, stepCount?: number, isTraced = false): Promise<SimOutcome> {
  if (kind === 'replication') return playReplicationSeed(seed, stepCount, isTraced);
  if (kind === 'rot') return playRotSeed(seed, stepCount, isTraced);
  if (kind === 'timer') return playTimerSeed(seed, stepCount, isTraced);
  return playSeed(seed, stepCount, {}, isTraced ? 'events' : 'none');
}
