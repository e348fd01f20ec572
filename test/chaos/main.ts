import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LeaseStoreKind } from './members.js';
import type { FaultStyle } from './plan.js';
import { percentile, type Outage } from './outages.js';
import { runChaos } from './run.js';

const LEASE_KINDS: readonly LeaseStoreKind[] = ['none', 'sqlite', 'etcd'];

const FAULT_STYLES: readonly FaultStyle[] = ['overlapping', 'single'];

const HELP = `npm run chaos -- [options]

Starts clusters of the built namesrv and broker, kills, stops, slows and cuts off their members at random while clients send and consume, and checks what the
clients saw: every acknowledged message is consumed, queues keep their order, no offset is used twice; and that the stores are sound and alike.
Any number of them run side by side. Ctrl-Z (or kill -TSTP) lets a run stand still until it is continued.
As root, members have network namespaces of their own and lines can be cut; otherwise all are processes on 127.0.0.1, and none are.

  --seed N      the faults (default 1)
  --seeds N     that many runs, with the seeds from --seed on (default 1)
  --minutes N   of faults for each run, fractions are fine (default 10)
  --groups N    broker groups (default 2)
  --members N   of each group (default 3)
  --faults STYLE  overlapping (default), or single: one master is lost at a time, to measure what such a loss costs
  --lease KIND  how masters are found: sqlite or etcd (leases, default sqlite), none (fixed masters)
  --queues N    of each group (default 4)
  --pause MS    between two messages of a queue (default 20)
  --keep        keep the folder with stores, logs and history of every run; that of a failed one is kept anyway
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '10' },
    groups: { type: 'string', default: '2' },
    members: { type: 'string', default: '3' },
    faults: { type: 'string', default: 'overlapping' },
    lease: { type: 'string', default: 'sqlite' },
    queues: { type: 'string', default: '4' },
    pause: { type: 'string', default: '20' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

function numberOf(name: 'seed' | 'seeds' | 'minutes' | 'groups' | 'members' | 'queues' | 'pause', max: number): number {
  const value = Number(values[name]);
  const isFine = name === 'minutes' ? value > 0 : Number.isInteger(value) && value >= (name === 'pause' ? 0 : 1);
  if (isFine && value <= max) return value;
  throw new Error(`--${name} is "${values[name]}": a number up to ${max} is needed`);
}

function told(outages: readonly Outage[], of: 'withoutWritesMs' | 'withoutReadsMs'): string {
  const known = outages.map((outage) => outage[of]).filter((ms) => ms !== undefined);
  if (known.length === 0) return 'no figures';
  return `p50 ${percentile(known, 0.5)}, p99 ${percentile(known, 0.99)}, max ${Math.max(...known)} ms`;
}

async function main(): Promise<number> {
  const lease = LEASE_KINDS.find((kind) => kind === values.lease);
  if (lease === undefined) throw new Error(`--lease is "${values.lease}": one of ${LEASE_KINDS.join(', ')} is needed`);
  const faults = FAULT_STYLES.find((style) => style === values.faults);
  if (faults === undefined)
    throw new Error(`--faults is "${values.faults}": one of ${FAULT_STYLES.join(', ')} is needed`);
  const shape = { groups: numberOf('groups', 8), membersPerGroup: numberOf('members', 9), namesrvs: 2, lease };
  const all: Outage[] = [];
  let failed = 0;
  const first = numberOf('seed', 2 ** 32);
  const count = numberOf('seeds', 10_000);
  for (let seed = first; seed < first + count; seed++) {
    const startMs = Date.now();
    const say = (line: string): void =>
      console.log(`  ${((Date.now() - startMs) / 1000).toFixed(1).padStart(7)} s  ${line}`);
    console.log(`seed ${seed}`);
    const result = await runChaos({
      seed,
      durationMs: numberOf('minutes', 10_000) * 60_000,
      faults,
      shape,
      queuesPerGroup: numberOf('queues', 64),
      pauseMs: numberOf('pause', 60_000),
      clientFile: join(import.meta.dirname, 'client.js'),
      keep: values.keep,
      say,
    });
    all.push(...result.outages);
    const { violations, acknowledged, failed: unknown, outages } = result;
    console.log(
      `seed ${seed}: ${violations.length === 0 ? 'everything held' : 'FAILED'}; ${acknowledged} acknowledged, ${unknown} sends failed, ${result.faults} faults, ${outages.length} losses of a master`,
    );
    console.log(`  without writes: ${told(outages, 'withoutWritesMs')}`);
    console.log(`  without reads: ${told(outages, 'withoutReadsMs')}`);
    for (const violation of violations) console.log(`  ${violation}`);
    if (result.folder !== undefined) console.log(`  kept: ${result.folder}`);
    if (violations.length > 0) failed++;
  }
  console.log(`\n${count} runs, ${failed} failed; ${all.length} losses of a master`);
  console.log(`without writes: ${told(all, 'withoutWritesMs')}`);
  console.log(`without reads: ${told(all, 'withoutReadsMs')}`);
  return failed === 0 ? 0 : 1;
}

if (values.help) console.log(HELP);
else
  main().then(
    (code) => process.exit(code),
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exit(1);
    },
  );
