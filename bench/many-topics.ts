/**
 * What many topics cost: sends to one topic beside sends to thousands, open files, memory, starts, idle CPU, parked pulls.
 * README.md tells what the figures mean.
 */
import { readdirSync } from 'node:fs';
import buildApps from '../test/support/build-apps.js';
import { cpuMicroseconds, residentBytes } from '../test/support/child.js';
import { RawConnection } from '../test/support/raw-remoting.js';
import { createTopic } from '../test/support/raw-requests.js';
import { BrokerProcess } from '../test/support/rocknest-process.js';
import { drive, type DriveResult } from './lean/drive.js';
import type { FrameTemplate } from './lean/frames.js';
import { parkPulls } from './many-topics/parked-pulls.js';
import {
  createTopics,
  maxOffsets,
  queuesOf,
  roundRobin,
  sendTemplates,
  skewed,
  topicNames,
} from './many-topics/topic-set.js';
import { QUEUE_SYNC_DELAY_MS } from '../libs/store/src/defaults.js';
import { readFlags } from './support/flags.js';
import { pause } from './support/pause.js';
import { measureIdle, untilQuiet } from './support/footprint.js';
import { median, printTable, rates, spread } from './support/statistics.js';

const flags = readFlags(
  {
    topics: 10_000,
    queues: 4,
    rounds: 3,
    count: 200_000,
    size: 1024,
    connections: 4,
    inFlight: 256,
    settle: 75,
    parked: 20_000,
    idle: 10,
    starts: 1,
    flush: 'ASYNC_FLUSH',
    node: '',
  },
  {
    topics: 'topics',
    queues: 'queues of each',
    rounds: 'times each load runs',
    count: 'messages of a load',
    size: 'bytes of a body',
    connections: 'connections of the generator',
    inFlight: 'requests in flight over all connections',
    settle:
      'seconds to wait at most until the broker has nothing left to do, besides the 40 after which it syncs queues; 0: do not wait',
    parked: 'pulls that wait for messages; 0: leave this part out',
    idle: 'seconds during which idle CPU is measured; 0: leave this part out',
    starts: '0: leave out the starts after a clean stop and after kill -9',
    flush: 'flushDiskType of the broker',
    node: 'arguments for the node of the broker, such as --cpu-prof',
  },
);

const MIB = 1024 * 1024;
const WARM_UP_MESSAGES = 100_000;
const STOP_GRACE_MS = 60_000;
const SINGLE_TOPICS = 200;
const ONE = 'one-topic';

const topics = topicNames(flags.topics);
const queues = queuesOf(topics, flags.queues);

buildApps();
const broker = await BrokerProcess.create({
  nodeArgs: flags.node === '' ? [] : flags.node.split(' '),
  config: { flushDiskType: flags.flush },
});

function say(what: string, value: string): void {
  console.log(`${what.padEnd(52)} ${value}`);
}

function footprint(when: string): void {
  const openFiles = readdirSync(`/proc/${broker.pid}/fd`).length;
  const residentMiB = (residentBytes(broker.pid) / MIB).toFixed(0);
  say(`${when}: open descriptors, resident MiB`, `${openFiles}, ${residentMiB}`);
}

function run(count: number, frames: (index: number) => FrameTemplate): Promise<DriveResult> {
  const { connections, inFlight } = flags;
  const { brokerAddr: address, pid } = broker;
  return drive({ address, pid, connections, inFlight, calls: count, messagesPerCall: 1, frames });
}

async function create(): Promise<void> {
  const connection = await RawConnection.open(broker.brokerAddr);
  await createTopic(connection, ONE, flags.queues);
  const startedAt = performance.now();
  await createTopics(connection, topics, flags.queues);
  const seconds = (performance.now() - startedAt) / 1000;
  connection.close();
  say(`${flags.topics} topics created, 500 in a request`, `${(flags.topics / seconds).toFixed(0)} topics/s`);
  footprint('topics without messages');
  await createOneByOne();
}

/** As a tool does it: each topic is known to the namesrv before the next one comes. */
async function createOneByOne(): Promise<void> {
  const connection = await RawConnection.open(broker.brokerAddr);
  const cpuBefore = cpuMicroseconds(broker.pid);
  const startedAt = performance.now();
  for (let i = 0; i < SINGLE_TOPICS; i++) await createTopic(connection, `single-${i}`, flags.queues);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuMs = (cpuMicroseconds(broker.pid) - cpuBefore) / 1000 / SINGLE_TOPICS;
  connection.close();
  say(
    `${SINGLE_TOPICS} more, one by one`,
    `${(SINGLE_TOPICS / seconds).toFixed(0)} topics/s, ${cpuMs.toFixed(1)} CPU ms each`,
  );
}

async function sends(): Promise<void> {
  const one = sendTemplates(queuesOf([ONE], flags.queues), flags.size);
  const many = sendTemplates(queues, flags.size);
  await run(WARM_UP_MESSAGES, roundRobin(one));
  await run(queues.length, roundRobin(many));
  footprint('a message in each queue');
  // Making a queue's first file is dear, and happens once.
  await settle('... and its file made');
  const loads: [string, (index: number) => FrameTemplate][] = [
    ['1 topic', roundRobin(one)],
    [`${flags.topics} topics, all alike`, roundRobin(many)],
    [`${flags.topics} topics, 80 % to 1 % of the queues`, skewed(many)],
  ];
  const results = loads.map((): DriveResult[] => []);
  for (let round = 0; round < flags.rounds; round++) {
    for (const [index, [, frames]] of loads.entries()) results[index].push(await run(flags.count, frames));
  }
  const cpuOf = (runs: readonly DriveResult[]): number[] => runs.map((one) => one.cpuMicroseconds);
  const rateOf = (runs: readonly DriveResult[]): number[] => runs.map((one) => one.perSecond);
  printTable(
    ['load', 'msgs/s', 'broker CPU us/msg', 'rate against 1 topic', 'CPU against 1 topic', 'refused'],
    loads.map(([name], index) => [
      name,
      rates(rateOf(results[index])),
      spread(cpuOf(results[index]), 2),
      (median(rateOf(results[index])) / median(rateOf(results[0]))).toFixed(2),
      (median(cpuOf(results[index])) / median(cpuOf(results[0]))).toFixed(2),
      String(results[index].reduce((sum, { refused }) => sum + refused, 0)),
    ]),
  );
  footprint('after the loads');
}

/** Queue files are written seconds after the last message, and synced 40 s later: a broker is quiet in between, too. */
async function settle(what: string): Promise<void> {
  if (flags.settle === 0) return;
  const { seconds, cpuSeconds } = await untilQuiet(broker.pid, flags.settle);
  say(`${what}: s until quiet, CPU s`, `${seconds.toFixed(0)}, ${cpuSeconds.toFixed(1)}`);
}

async function idle(): Promise<void> {
  if (flags.settle > 0) await pause(QUEUE_SYNC_DELAY_MS);
  await settle('work left by the loads');
  const { cpuPercent, residentMiB } = await measureIdle(broker.pid, flags.idle);
  say(`idle for ${flags.idle} s: CPU % of a core, resident MiB`, `${cpuPercent.toFixed(2)}, ${residentMiB.toFixed(0)}`);
}

async function starts(): Promise<void> {
  const connection = await RawConnection.open(broker.brokerAddr);
  const before = await maxOffsets(connection, queues);
  connection.close();
  const stopAt = performance.now();
  await broker.process.stop(STOP_GRACE_MS);
  say('clean stop: ms', (performance.now() - stopAt).toFixed(0));
  say('start after it: ms', (await broker.start()).toFixed(0));
  await checkOffsets(before, 'the clean stop');
  footprint('after the start');
  await run(flags.count, roundRobin(sendTemplates(queues, flags.size)));
  const again = await RawConnection.open(broker.brokerAddr);
  const crashed = await maxOffsets(again, queues);
  again.close();
  await broker.kill9();
  say('start after kill -9 under load: ms', (await broker.start()).toFixed(0));
  await checkOffsets(crashed, 'kill -9');
}

async function checkOffsets(before: readonly number[], what: string): Promise<void> {
  const connection = await RawConnection.open(broker.brokerAddr);
  const after = await maxOffsets(connection, queues);
  connection.close();
  const wrong = after.findIndex((offset, index) => offset !== before[index]);
  if (wrong < 0) return;
  const { topic, queueId } = queues[wrong];
  throw new Error(`after ${what} queue ${topic}-${queueId} ends at ${after[wrong]} instead of ${before[wrong]}`);
}

async function parked(): Promise<void> {
  const connection = await RawConnection.open(broker.brokerAddr);
  const offsets = await maxOffsets(connection, queues);
  connection.close();
  const result = await parkPulls(broker.brokerAddr, broker.pid, queues, offsets, flags.parked, Math.max(1, flags.idle));
  say(`${flags.parked} pulls parked: CPU us each`, result.parkMicroseconds.toFixed(1));
  say('... while they wait: CPU % of a core', result.idleCpuPercent.toFixed(2));
  if (result.answered > 0) say('... answered before their time', String(result.answered));
  footprint('pulls parked');
}

try {
  say('start of an empty broker: ms', (await broker.start()).toFixed(0));
  await create();
  await sends();
  if (flags.idle > 0) await idle();
  if (flags.parked > 0) await parked();
  if (flags.starts > 0) await starts();
} finally {
  await broker.process.stop(STOP_GRACE_MS);
  await broker.remove();
}
