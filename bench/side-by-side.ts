/**
 * Rocknest's broker and the official Java broker under the same official Java client, in turns in one run. README.md tells what the
 * figures mean.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startOfficialCluster, type OfficialCluster } from '../test/interop/support/official-cluster.js';
import buildApps from '../test/support/build-apps.js';
import { projectRoot } from '../test/support/project-root.js';
import { BrokerProcess } from '../test/support/rocknest-process.js';
import { Contestant, type Measurement } from './support/contestant.js';
import { measureIdle, measureStarts } from './support/footprint.js';
import { readFlags } from './support/flags.js';
import { median, printTable, rates, spread } from './support/statistics.js';

const flags = readFlags(
  {
    rounds: 3,
    sync: 40_000,
    async: 80_000,
    batch: 160_000,
    transactions: 20_000,
    catchup: 200_000,
    client: '5.4.0',
    idle: 30,
    starts: 3,
  },
  {
    rounds: 'turns of each broker',
    sync: 'messages of a sync load (64 threads); 0 leaves it out',
    async: 'messages of an async load (1,024 in flight); 0 leaves it out',
    batch: 'messages of a batch load (32 a call, 4 threads); 0 leaves it out',
    transactions: 'transactions of a message of 1 KiB that commit (64 threads); 0 leaves them out',
    catchup: 'messages of 1 KiB that a new consumer group reads; 0 leaves it out',
    client: 'version of the official Java client',
    idle: 'seconds of doing nothing before memory and CPU of the idle broker are read',
    starts: 'starts of our broker that are timed',
  },
);

const TOPIC = 'bench';
const CATCH_UP_TOPIC = 'bench-catchup';
const QUEUES = 8;
const WARM_UP_MESSAGES = 30_000;

interface Load {
  name: string;
  line: (round: number) => string;
}

function send(kind: string, size: number, inFlight: number, count: number): Load {
  const line = `${kind} topic=${TOPIC} size=${size} inFlight=${inFlight} count=${count}`;
  return { name: `${kind}, ${inFlight} in flight, ${size} B`, line: () => line };
}

function loads(): Load[] {
  const list = [
    ...(flags.sync > 0 ? [send('sync', 128, 64, flags.sync), send('sync', 1024, 64, flags.sync)] : []),
    ...(flags.async > 0 ? [send('async', 128, 1024, flags.async), send('async', 1024, 1024, flags.async)] : []),
  ];
  if (flags.batch > 0)
    list.push({ ...send('batch', 1024, 4, flags.batch), name: 'batches of 32, 4 in flight, 1024 B' });
  if (flags.transactions > 0) list.push(send('transaction', 1024, 64, flags.transactions));
  if (flags.catchup > 0) {
    list.push({
      name: `catch-up of ${flags.catchup}, 1024 B`,
      line: (round) => `catchup topic=${CATCH_UP_TOPIC} group=GID_bench_${round} count=${flags.catchup}`,
    });
  }
  return list;
}

async function warmUp(contestant: Contestant): Promise<void> {
  await contestant.measure(`async topic=${TOPIC} size=1024 inFlight=1024 count=${WARM_UP_MESSAGES}`);
  await contestant.measure(`sync topic=${TOPIC} size=128 inFlight=64 count=${WARM_UP_MESSAGES}`);
  if (flags.transactions > 0) {
    await contestant.measure(`transaction topic=${TOPIC} size=1024 inFlight=64 count=${flags.transactions}`);
  }
  if (flags.catchup > 0) {
    await contestant.measure(`batch topic=${CATCH_UP_TOPIC} size=1024 count=${flags.catchup}`);
    // 200,000 messages are 6,000 pulls: without this, both compilers are what a round measures.
    await contestant.measure(`catchup topic=${CATCH_UP_TOPIC} group=GID_bench_warm count=${flags.catchup}`);
  }
}

async function compare(
  official: OfficialCluster,
  rocknest: BrokerProcess,
): Promise<Record<string, Record<string, Measurement[]>>> {
  const contestants = [
    new Contestant('Java broker 5.4.0', official.namesrvAddr, official.brokerPid, flags.client),
    new Contestant('Rocknest', rocknest.namesrvAddr, rocknest.pid, flags.client),
  ];
  const results: Record<string, Record<string, Measurement[]>> = {};
  try {
    for (const contestant of contestants) {
      await contestant.prepare({ [TOPIC]: QUEUES, [CATCH_UP_TOPIC]: QUEUES });
      await warmUp(contestant);
    }
    for (const load of loads()) {
      const measured: Record<string, Measurement[]> = {};
      for (let round = 0; round < flags.rounds; round++) {
        for (const contestant of contestants)
          (measured[contestant.name] ??= []).push(await contestant.measure(load.line(round)));
      }
      results[load.name] = measured;
      console.log(`  ${load.name}: measured`);
    }
  } finally {
    for (const contestant of contestants) await contestant.stop();
  }
  return results;
}

function report(results: Record<string, Record<string, Measurement[]>>): void {
  const rate = (measured: Measurement[]): number[] => measured.map((one) => one.perSecond);
  const cpu = (measured: Measurement[]): number[] => measured.map((one) => one.brokerCpuMicrosecondsPerMessage);
  const latency = (measured: Measurement[]): string =>
    measured[0].p50Ms === undefined
      ? ''
      : `${median(measured.map((one) => one.p50Ms ?? 0)).toFixed(1)} / ${median(measured.map((one) => one.p99Ms ?? 0)).toFixed(1)}`;
  console.log(`\nlowest / median / highest of ${flags.rounds} rounds; CPU is that of the whole broker process\n`);
  const rows = Object.entries(results).flatMap(([load, measured]) => {
    const [java, ours] = Object.values(measured);
    const cpuRatio = median(cpu(java)) / median(cpu(ours));
    const rateRatio = median(rate(ours)) / median(rate(java));
    return Object.entries(measured).map(([name, one]) => [
      load,
      name,
      rates(rate(one)),
      spread(cpu(one)),
      latency(one),
      name === 'Rocknest' ? `rate x ${rateRatio.toFixed(2)}, CPU 1/${cpuRatio.toFixed(1)}` : '',
    ]);
  });
  printTable(['load', 'broker', 'msgs/s', 'broker CPU us/msg', 'p50 / p99 ms', 'Rocknest against Java'], rows);
}

async function main(): Promise<void> {
  buildApps();
  const starts = await measureStarts(flags.starts);
  const rocknest = await BrokerProcess.create();
  let official: OfficialCluster | undefined;
  try {
    await rocknest.start();
    const idle = await measureIdle(rocknest.pid, flags.idle);
    console.log(
      `Rocknest, broker and namesrv in one process: serving after ${spread(starts, 0)} ms (lowest / median / highest)`,
    );
    console.log(
      `  idle for ${flags.idle} s: ${idle.residentMiB.toFixed(0)} MiB resident, ${idle.cpuPercent.toFixed(2)} % of a core`,
    );
    const javaStartedAt = performance.now();
    // By default it refuses what waited for 200 ms, which happens while its code is cold; then there would be nothing to compare.
    official = await startOfficialCluster({ brokerConfig: { waitTimeMillsInSendQueue: 10_000 } });
    const javaStart = (performance.now() - javaStartedAt) / 1000;
    const javaIdle = await measureIdle(official.brokerPid, flags.idle);
    console.log(`Java, namesrv and broker one after the other: serving after ${javaStart.toFixed(1)} s`);
    console.log(
      `  idle for ${flags.idle} s: ${javaIdle.residentMiB.toFixed(0)} MiB resident (broker alone), ${javaIdle.cpuPercent.toFixed(2)} % of a core`,
    );
    const results = await compare(official, rocknest);
    report(results);
    const folder = join(projectRoot, 'bench/results');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `side-by-side-${new Date().toISOString().replaceAll(':', '-')}.json`);
    writeFileSync(
      file,
      JSON.stringify({ flags, node: process.version, starts, idle, javaIdle, results }, undefined, 2),
    );
    console.log(`\n${file}`);
  } finally {
    await official?.stop();
    await rocknest.remove();
  }
}

await main();
