/**
 * Rocknest's broker and the official Java broker under the same official Java client, in turns in one run. README.md tells what the
 * figures mean.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import buildApps from '../test/support/build-apps.js';
import { projectRoot } from '../test/support/project-root.js';
import { startJava, startOurs, type RunningBroker } from './side-by-side/brokers.js';
import { report } from './side-by-side/report.js';
import { measureInOrder, measureJustStarted, measureWarm, type Results } from './side-by-side/rounds.js';
import { readFlags } from './support/flags.js';
import { measureIdle, measureStarts, type Idle } from './support/footprint.js';
import { spread } from './support/statistics.js';

const flags = readFlags(
  {
    rounds: 3,
    sync: 40_000,
    async: 80_000,
    batch: 160_000,
    transactions: 20_000,
    catchup: 400_000,
    paced: 20_000,
    only: '',
    client: '5.4.0',
    idle: 30,
    starts: 3,
    justStarted: 0,
    inOrder: 0,
  },
  {
    rounds: 'turns of each broker',
    sync: 'messages of a sync load (64 threads); 0 leaves it out',
    async: 'messages of an async load (1,024 in flight); 0 leaves it out',
    batch: 'messages of a batch load (32 a call, 4 threads); 0 leaves it out',
    transactions: 'transactions of a message of 1 KiB that commit (64 threads); 0 leaves them out',
    catchup: 'messages of 1 KiB that a new consumer group reads; 0 leaves it out',
    paced: 'messages of 1 KiB that are sent at 2,000 a second and consumed; 0 leaves it out',
    only: 'runs only the loads whose name contains this',
    client: 'version of the official Java client',
    idle: 'seconds of doing nothing before memory and CPU of the idle broker are read',
    starts: 'starts of our broker that are timed',
    inOrder:
      '1: brokers and generator have just started in each round, and go through all loads once, in place of warm ones',
    justStarted: '1: each measurement has brokers and a generator that have just started, in place of warm ones',
  },
);

/** Start, memory and CPU of the idle brokers, then the loads on the same two. */
async function compareWarm(): Promise<object> {
  const starts = await measureStarts(flags.starts);
  const brokers: RunningBroker[] = [];
  try {
    const rocknest = await startOurs();
    brokers.push(rocknest);
    const idle = await measureIdle(rocknest.pid, flags.idle);
    console.log(
      `Rocknest, broker and namesrv in one process: serving after ${spread(starts, 0)} ms (lowest / median / highest)`,
    );
    printIdle(idle, '');
    const javaStartedAt = performance.now();
    const java = await startJava();
    brokers.unshift(java);
    const javaStart = (performance.now() - javaStartedAt) / 1000;
    const javaIdle = await measureIdle(java.pid, flags.idle);
    console.log(`Java, namesrv and broker one after the other: serving after ${javaStart.toFixed(1)} s`);
    printIdle(javaIdle, ' (broker alone)');
    const results = await measureWarm(brokers, flags, flags.rounds, flags.client);
    report(results, flags.rounds);
    return { starts, idle, javaIdle, results };
  } finally {
    for (const broker of brokers) await broker.stop();
  }
}

function printIdle(idle: Idle, note: string): void {
  const { residentMiB, cpuPercent } = idle;
  console.log(
    `  idle for ${flags.idle} s: ${residentMiB.toFixed(0)} MiB resident${note}, ${cpuPercent.toFixed(2)} % of a core`,
  );
}

async function compareStarted(measure: typeof measureInOrder): Promise<{ results: Results }> {
  const results = await measure(flags, flags.rounds, flags.client);
  report(results, flags.rounds);
  return { results };
}

buildApps();
const outcome =
  flags.justStarted === 1
    ? await compareStarted(measureJustStarted)
    : flags.inOrder === 1
      ? await compareStarted(measureInOrder)
      : await compareWarm();
const folder = join(projectRoot, 'bench/results');
mkdirSync(folder, { recursive: true });
const file = join(folder, `side-by-side-${new Date().toISOString().replaceAll(':', '-')}.json`);
writeFileSync(file, JSON.stringify({ flags, node: process.version, ...outcome }, undefined, 2));
console.log(`\n${file}`);
