import { parentPort, workerData } from 'node:worker_threads';
import { playKind, type SimKind } from './kinds.js';
import { playSlice } from './slice.js';

/** One thread of `npm run simulate`. */
const { kind, from, to, stride, stepCount } = workerData as {
  kind: SimKind;
  from: number;
  to: number;
  stride: number;
  stepCount?: number;
};

await playSlice(
  from,
  to,
  stride,
  (outcome) => parentPort?.postMessage(outcome),
  (seed) => playKind(kind, seed, stepCount),
);
