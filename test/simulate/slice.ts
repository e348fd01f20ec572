import type { SimOutcome } from '../../libs/store/src/simulation/simulate.js';

/** Plays every `stride`-th seed from `from` to `to`. */
export async function playSlice(
  from: number,
  to: number,
  stride: number,
  done: (outcome: SimOutcome) => void,
  play: (seed: number) => Promise<SimOutcome>,
): Promise<void> {
  for (let seed = from; seed <= to; seed += stride) done(await play(seed));
}
