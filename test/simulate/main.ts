import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { makeHistory } from '../../libs/store/src/simulation/history.js';
import type { SimOutcome } from '../../libs/store/src/simulation/simulate.js';
import { playHistory, playSeed, shrinkHistory } from '../../libs/store/src/simulation/simulate.js';
import { playSlice } from './slice.js';

const HELP = `npm run simulate -- [options]

Plays random histories on the store in a simulated world, and checks after each opening that nothing was lost.

  --seeds N    play the seeds 1 to N (default 200)
  --from N     begin with this seed (default 1)
  --steps N    steps of each history (default: what the simulator chooses)
  --seed N     play one seed, and print what happens
  --files      with --seed: print each call on the file system too
  --shrink     with --seed: look for the shortest history that fails in the same way, and print that one
  --workers N  threads (default: one for each processor); the outcome of a seed does not depend on it
`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    steps: { type: 'string' },
    seed: { type: 'string' },
    files: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    workers: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} is "${text}": a whole number is needed`);
}

const stepCount = numberOf('steps', values.steps);

function replayCommand(seed: number): string {
  return `npm run simulate -- --seed ${seed}${stepCount === undefined ? '' : ` --steps ${stepCount}`}`;
}

function printFailure({ seed, violation }: SimOutcome): void {
  console.log(`\nseed ${seed} FAILED\n  ${violation?.message ?? ''}\n  replay: ${replayCommand(seed)}`);
}

async function replay(seed: number): Promise<number> {
  const level = values.files ? 'files' : 'events';
  let history = makeHistory(seed, stepCount);
  if (values.shrink) history = await shrinkHistory(history);
  const outcome = await playHistory(history, {}, level);
  console.log(outcome.trace.join('\n'));
  if (outcome.violation === undefined) {
    console.log(`\nseed ${seed}: every invariant held`);
    return 0;
  }
  printFailure(outcome);
  if (!values.shrink) console.log(`  shorter: ${replayCommand(seed)} --shrink`);
  return 1;
}

/** Seeds by turns, so that every thread has about as much to do. */
function startWorker(from: number, to: number, stride: number, done: (outcome: SimOutcome) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: { from, to, stride, stepCount } });
    worker.on('message', done);
    worker.on('error', reject);
    worker.on('exit', () => resolve());
  });
}

async function playAll(from: number, count: number): Promise<number> {
  const startMs = performance.now();
  const workers = numberOf('workers', values.workers) ?? availableParallelism();
  const total = { failed: 0, played: 0, messages: 0, opens: 0, crashes: 0 };
  const failures: SimOutcome[] = [];
  const done = (outcome: SimOutcome): void => {
    total.played++;
    total.messages += outcome.messages;
    total.opens += outcome.opens;
    total.crashes += outcome.crashes;
    if (outcome.violation !== undefined) {
      failures.push(outcome);
      printFailure(outcome);
    }
    if (total.played % 100 === 0) console.log(`${total.played} of ${count} seeds, ${failures.length} failed`);
  };
  const last = from + count - 1;
  if (workers <= 1) await playSlice(from, last, 1, done, (seed) => playSeed(seed, stepCount));
  else await Promise.all(Array.from({ length: workers }, (_, index) => startWorker(from + index, last, workers, done)));
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(
    `\n${total.played} seeds in ${seconds} s: ${total.messages} messages, ${total.opens} openings, ${total.crashes} crashes`,
  );
  console.log(`${total.played - failures.length} passed, ${failures.length} failed`);
  return failures.length === 0 && total.played === count ? 0 : 1;
}

if (values.help) console.log(HELP);
else {
  const seed = numberOf('seed', values.seed);
  process.exitCode =
    seed === undefined
      ? await playAll(numberOf('from', values.from) ?? 1, numberOf('seeds', values.seeds) ?? 0)
      : await replay(seed);
}
