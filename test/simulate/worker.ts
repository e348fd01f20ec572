import { parentPort, workerData } from 'node:worker_threads';
import { playSeed } from '../../libs/store/src/simulation/simulate.js';
import { playSlice } from './slice.js';

/** One thread of `npm run simulate`. */
const { from, to, stride, stepCount } = workerData as { from: number; to: number; stride: number; stepCount?: number };

await playSlice(
  from,
  to,
  stride,
  (outcome) => parentPort?.postMessage(outcome),
  (seed) => playSeed(seed, stepCount),
);
