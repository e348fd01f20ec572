import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { makeHistory } from '../../libs/store/src/simulation/history.js';
import type { SimOutcome } from '../../libs/store/src/simulation/simulate.js';
import { playHistory, shrinkHistory } from '../../libs/store/src/simulation/simulate.js';
import { KINDS, playKind, type SimKind } from './kinds.js';
import { playSlice } from './slice.js';

const HELP = `npm run simulate -- [options]

Plays random histories in a simulated world, and checks that nothing was lost.

  --kind KIND  store: one store and its crashes (default); replication: a master and its slaves, and the lines between them; timer: timer messages and their files; rot: files that are damaged while the store is stopped; all: one after the other
  --seeds N    play the seeds 1 to N (default 200)
  --from N     begin with this seed (default 1)
  --steps N    steps of each history (default: what the simulator chooses)
  --seed N     play one seed, and print what happens
  --files      with --seed, of a store: print each call on the file system too
  --shrink     with --seed, of a store: look for the shortest history that fails in the same way, and print that one
  --workers N  threads (default: one for each processor); the outcome of a seed does not depend on it
`;

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'store' },
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
const kinds = kindsOf(values.kind);

function kindsOf(name: string): readonly SimKind[] {
  const wanted = name === 'all' ? KINDS : KINDS.filter((kind) => kind === name);
  if (wanted.length > 0) return wanted;
  throw new Error(`--kind is "${name}": ${KINDS.join(', ')} or all is needed`);
}

function replayCommand(kind: SimKind, seed: number): string {
  return `npm run simulate -- ${kind === 'store' ? '' : `--kind ${kind} `}--seed ${seed}${stepCount === undefined ? '' : ` --steps ${stepCount}`}`;
}

function printFailure(kind: SimKind, { seed, violation }: SimOutcome): void {
  console.log(`\nseed ${seed} FAILED\n  ${violation?.message ?? ''}\n  replay: ${replayCommand(kind, seed)}`);
}

async function replay(kind: SimKind, seed: number): Promise<number> {
  const level = values.files ? 'files' : 'events';
  let outcome: SimOutcome;
  if (kind === 'store') {
    let history = makeHistory(seed, stepCount);
    if (values.shrink) history = await shrinkHistory(history);
    outcome = await playHistory(history, {}, level);
  } else outcome = await playKind(kind, seed, stepCount, true);
  console.log(outcome.trace.join('\n'));
  if (outcome.violation === undefined) {
    console.log(`\nseed ${seed}: every invariant held`);
    return 0;
  }
  printFailure(kind, outcome);
  if (kind === 'store' && !values.shrink) console.log(`  shorter: ${replayCommand(kind, seed)} --shrink`);
  return 1;
}

/** Seeds by turns, so that every thread has about as much to do. */
function startWorker(
  kind: SimKind,
  from: number,
  to: number,
  stride: number,
  done: (outcome: SimOutcome) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const workerData = { kind, from, to, stride, stepCount };
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData });
    worker.on('message', done);
    worker.on('error', reject);
    worker.on('exit', () => resolve());
  });
}

async function playAll(kind: SimKind, from: number, count: number): Promise<number> {
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
      printFailure(kind, outcome);
    }
    if (total.played % 100 === 0) console.log(`${kind}: ${total.played} of ${count} seeds, ${failures.length} failed`);
  };
  const last = from + count - 1;
  if (workers <= 1) await playSlice(from, last, 1, done, (seed) => playKind(kind, seed, stepCount));
  else {
    const threads = Array.from({ length: workers }, (_, at) => startWorker(kind, from + at, last, workers, done));
    await Promise.all(threads);
  }
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(
    `\n${kind}: ${total.played} seeds in ${seconds} s: ${total.messages} messages, ${total.opens} openings, ${total.crashes} crashes`,
  );
  console.log(`${total.played - failures.length} passed, ${failures.length} failed`);
  return failures.length === 0 && total.played === count ? 0 : 1;
}

if (values.help) console.log(HELP);
else {
  const seed = numberOf('seed', values.seed);
  let exitCode = 0;
  for (const kind of kinds) {
    const failed =
      seed === undefined
        ? await playAll(kind, numberOf('from', values.from) ?? 1, numberOf('seeds', values.seeds) ?? 0)
        : await replay(kind, seed);
    exitCode = Math.max(exitCode, failed);
  }
  process.exitCode = exitCode;
}
