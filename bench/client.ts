/**
 * CPU time of our Node client for each acknowledged send and each consumed message, with the broker in another process. README.md tells
 * what the figures mean.
 */
import { fileURLToPath } from 'node:url';
import { cpuMicroseconds } from '../test/support/child.js';
import type { ClientSettings, LoadResult } from './client/loads.js';
import { BenchProcess } from './support/bench-process.js';
import { makeTopic, startBus, type Bus } from './support/bus.js';
import { readFlags } from './support/flags.js';
import { printTable, rates, spread } from './support/statistics.js';

const flags = readFlags(
  {
    rounds: 3,
    count: 300_000,
    inFlight: 256,
    bytes: 1024,
    headers: 'binary',
    loads: 'promises,callbacks,consume',
    broker: 'rocknest',
    flush: 'ASYNC_FLUSH',
    client: 'loads.js',
    node: '',
    brokerNode: '',
  },
  {
    rounds: 'times each load runs',
    count: 'messages of a load',
    inFlight: 'sends in flight',
    bytes: 'bytes of a body',
    headers: 'binary or json',
    loads: 'promises, callbacks, batches, autoBatch, consume, separated by commas',
    broker: 'rocknest, java, or stand-in: one that stores nothing',
    flush: 'flushDiskType of our broker',
    client: 'built client processes to compare, separated by commas; they take turns',
    node: 'arguments for the node of the client, such as --cpu-prof',
    brokerNode: 'arguments for the node of our broker',
  },
);

const TOPIC = 'bench-client';
const QUEUES = 8;
const WARM_UP_MESSAGES = 100_000;
/** Loads that send; the others read what these have sent. */
const SENDS = ['promises', 'callbacks', 'batches', 'autoBatch'];

interface Round extends LoadResult {
  brokerMicroseconds: number;
}

const words = (text: string): string[] => text.split(/[ ,]+/).filter((word) => word !== '');

async function openClient(bus: Bus, file: string, topic: string): Promise<BenchProcess> {
  const client = new BenchProcess(file, fileURLToPath(new URL(file, import.meta.url)), words(flags.node));
  const settings: ClientSettings = {
    namesrvAddr: bus.namesrvAddr,
    topic,
    serializeType: flags.headers === 'json' ? 'JSON' : 'ROCKETMQ',
    bodyBytes: flags.bytes,
    inFlight: flags.inFlight,
  };
  await client.call('open', settings);
  return client;
}

function row(client: string, load: string, rounds: readonly Round[]): string[] {
  const each = (time: (round: Round) => number): number[] => rounds.map((round) => time(round) / round.count);
  return [
    client,
    load,
    rates(rounds.map(({ count, seconds }) => count / seconds)),
    spread(
      each((round) => round.userMicroseconds + round.systemMicroseconds),
      2,
    ),
    spread(
      each((round) => round.systemMicroseconds),
      2,
    ),
    spread(
      each((round) => round.brokerMicroseconds),
      2,
    ),
  ];
}

/** One load in rounds; each client has a process of its own for it, as an application does one thing. */
async function measureLoad(bus: Bus, files: readonly string[], load: string): Promise<string[][]> {
  const clients: BenchProcess[] = [];
  for (const file of files) clients.push(await openClient(bus, file, TOPIC));
  for (const client of clients) {
    if (SENDS.includes(load)) await client.call(load, WARM_UP_MESSAGES);
    else await client.call('promises', Math.max(WARM_UP_MESSAGES, flags.count));
  }
  const rounds: Round[][] = files.map(() => []);
  for (let round = 0; round < flags.rounds; round++) {
    for (const [index, client] of clients.entries()) {
      const before = cpuMicroseconds(bus.brokerPid);
      const result = await client.call<LoadResult>(load, flags.count);
      rounds[index].push({ ...result, brokerMicroseconds: cpuMicroseconds(bus.brokerPid) - before });
    }
  }
  for (const client of clients) {
    await client.call('close');
    await client.stop();
  }
  return files.map((file, index) => row(file, load, rounds[index]));
}

async function measure(bus: Bus): Promise<void> {
  await makeTopic(bus, TOPIC, QUEUES);
  const rows: string[][] = [];
  for (const load of words(flags.loads)) rows.push(...(await measureLoad(bus, words(flags.client), load)));
  console.log(
    `${flags.broker}, ${flags.bytes} B, ${flags.inFlight} in flight, ${flags.headers} headers; lowest / median / highest of ${flags.rounds} rounds\n`,
  );
  printTable(['client', 'load', 'msgs/s', 'client CPU us/msg', 'of it system', 'broker CPU us/msg'], rows);
}

const bus = await startBus({
  broker: flags.broker,
  flush: flags.flush,
  nodeArgs: words(flags.brokerNode),
  standIn: { bodyBytes: flags.bytes, messagesPerQueue: Math.ceil(flags.count / QUEUES) },
});
try {
  await measure(bus);
} finally {
  await bus.stop();
}
