/**
 * Questions through Nest: `ClientProxy.send()` in one process, `@MessagePattern` handlers in others, the broker in one of its own. README.md
 * tells what the figures mean.
 */
import { fileURLToPath } from 'node:url';
import { cpuMicroseconds } from '../test/support/child.js';
import type { AskerSettings, AskLoad, AskResult } from './request-reply/asker.js';
import { REQUEST_TOPIC } from './request-reply/questions.js';
import type { ReplierResult, ReplierSettings } from './request-reply/replier.js';
import { BenchProcess, type CpuTime } from './support/bench-process.js';
import { makeTopic, startBus, type Bus } from './support/bus.js';
import { readFlags } from './support/flags.js';
import { percentile, printTable } from './support/statistics.js';

const flags = readFlags(
  {
    rounds: 3,
    count: 20_000,
    single: 2_000,
    inFlight: 64,
    bytes: 256,
    repliers: '1,4',
    broker: 'rocknest',
    askerNode: '',
    replierNode: '',
    brokerNode: '',
  },
  {
    rounds: 'times each load runs',
    count: 'questions of the load that keeps some under way',
    single: 'questions of the load that asks one after the other; 0 leaves it out',
    inFlight: 'questions under way in the first load',
    bytes: 'bytes of the text of a question, and of its answer',
    repliers: 'numbers of replying processes, separated by commas',
    broker: 'rocknest or java',
    askerNode: 'arguments for the node of the asker, such as --cpu-prof',
    replierNode: 'arguments for the node of the repliers',
    brokerNode: 'arguments for the node of our broker',
  },
);

const QUEUES = 8;
const WARM_UP = 5_000;

const words = (text: string): string[] => text.split(/[ ,]+/).filter((word) => word !== '');
const file = (name: string): string => fileURLToPath(new URL(`${name}.js`, import.meta.url));
const cpuOf = ({ userMicroseconds, systemMicroseconds }: CpuTime): number => userMicroseconds + systemMicroseconds;

async function run(bus: Bus, asker: BenchProcess, repliers: readonly BenchProcess[], load: AskLoad): Promise<string[]> {
  for (const replier of repliers) await replier.call('begin');
  const brokerBefore = cpuMicroseconds(bus.brokerPid);
  const asked = await asker.call<AskResult>('ask', load);
  const brokerMicroseconds = cpuMicroseconds(bus.brokerPid) - brokerBefore;
  const answers = await Promise.all(repliers.map((replier) => replier.call<ReplierResult>('result')));
  if (asked.wrong > 0) throw new Error(`${asked.wrong} answers went to other questions`);
  const latencies = asked.latenciesMs.sort((a, b) => a - b);
  const { count } = load;
  return [
    String(repliers.length),
    String(load.inFlight),
    ((count / asked.elapsedMs) * 1_000).toFixed(0),
    [0.5, 0.99, 1].map((share) => percentile(latencies, share).toFixed(2)).join(' / '),
    (cpuOf(asked) / count).toFixed(0),
    (answers.reduce((sum, answer) => sum + cpuOf(answer), 0) / count).toFixed(0),
    (brokerMicroseconds / count).toFixed(0),
    answers.map(({ answered }) => answered).join(' '),
  ];
}

async function measure(bus: Bus, repliersCount: number): Promise<string[][]> {
  const { namesrvAddr } = bus;
  const repliers = Array.from(
    { length: repliersCount },
    (_, n) => new BenchProcess(`replier ${n}`, file('replier'), words(flags.replierNode)),
  );
  const asker = new BenchProcess('asker', file('asker'), words(flags.askerNode));
  for (const replier of repliers) await replier.call('open', { namesrvAddr } satisfies ReplierSettings);
  await asker.call('open', { namesrvAddr, bodyBytes: flags.bytes } satisfies AskerSettings);
  const rows: string[][] = [];
  await run(bus, asker, repliers, { count: WARM_UP, inFlight: flags.inFlight });
  for (let round = 0; round < flags.rounds; round++) {
    rows.push(await run(bus, asker, repliers, { count: flags.count, inFlight: flags.inFlight }));
    if (flags.single > 0) rows.push(await run(bus, asker, repliers, { count: flags.single, inFlight: 1 }));
  }
  for (const process of [asker, ...repliers]) {
    await process.call('close');
    await process.stop();
  }
  return rows.sort((a, b) => Number(b[1]) - Number(a[1]));
}

const bus = await startBus({ broker: flags.broker, flush: 'ASYNC_FLUSH', nodeArgs: words(flags.brokerNode) });
try {
  await makeTopic(bus, REQUEST_TOPIC, QUEUES);
  const rows: string[][] = [];
  for (const repliers of words(flags.repliers)) rows.push(...(await measure(bus, Number(repliers))));
  console.log(`${flags.broker}, questions and answers of ${flags.bytes} B, ${QUEUES} queues\n`);
  printTable(
    [
      'repliers',
      'under way',
      'answers/s',
      'p50 / p99 / max ms',
      'asker us',
      'repliers us',
      'broker us',
      'answered by each',
    ],
    rows,
  );
} finally {
  await bus.stop();
}
