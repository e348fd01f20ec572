/**
 * What reading of old messages does to sends: sends alone, beside consumers that read what the page cache holds, and beside consumers
 * whose messages have to come from the disk. README.md tells what the figures mean.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import buildApps from '../test/support/build-apps.js';
import { RawConnection } from '../test/support/raw-remoting.js';
import { createTopic, maxOffset } from '../test/support/raw-requests.js';
import { BrokerProcess } from '../test/support/rocknest-process.js';
import { OldReaders } from './cold/old-readers.js';
import { SendProbe } from './cold/send-probe.js';
import { drive } from './lean/drive.js';
import { sendTemplate, type FrameTemplate } from './lean/frames.js';
import { readFlags } from './support/flags.js';
import { median, percentile, printTable } from './support/statistics.js';

const flags = readFlags(
  { rounds: 3, count: 300_000, old: 1_000_000, filler: 6_500, connections: 4, inFlight: 256, queues: 8, node: '' },
  {
    rounds: 'turns of each load',
    count: 'messages of 1 KiB sent in a turn',
    old: 'messages of 1 KiB that the readers read',
    filler:
      'MiB of other messages behind them: more than the broker takes the page cache to hold (a quarter of the memory)',
    connections: 'connections of the senders',
    inFlight: 'sends in flight over all connections',
    queues: 'queues that are read side by side, one pull of 32 at a time in each',
    node: 'arguments for the node of the broker, such as --cpu-prof',
  },
);

const MESSAGE_BYTES = 1024;
const FILLER_BYTES = 64 * 1024;
const MIB = 1024 * 1024;
const LOADS = ['alone', 'beside warm reads', 'beside cold reads'] as const;

interface Turn {
  perSecond: number;
  readsPerSecond: number;
  brokerCpu: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

function send(broker: BrokerProcess, topic: string, count: number, bytes: number): ReturnType<typeof drive> {
  const templates = Array.from({ length: flags.queues }, (_, queueId) => sendTemplate('binary', topic, queueId, bytes));
  const frames = (index: number): FrameTemplate => templates[index % flags.queues];
  const { connections, inFlight } = flags;
  const { brokerAddr: address, pid } = broker;
  return drive({ address, pid, connections, inFlight, calls: count, messagesPerCall: 1, frames });
}

/** Makes the kernel give up what it holds of the log. Only what the disk has can go, so everything is synced first. */
function dropFromPageCache(storePath: string): void {
  const folder = join(storePath, 'commitlog');
  const files = readdirSync(folder).map((name) => join(folder, name));
  const run = (command: string, args: string[]): void => {
    const result = spawnSync(command, args, { encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr}`);
  };
  run('sync', ['-d', ...files]);
  for (const file of files) run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
}

async function turn(broker: BrokerProcess, load: (typeof LOADS)[number], inQueue: number): Promise<Turn> {
  const address = broker.brokerAddr;
  if (load === 'beside cold reads') dropFromPageCache(broker.storePath);
  const readers = load === 'alone' ? undefined : new OldReaders(address, 'old', inQueue, flags.queues);
  const probe = new SendProbe();
  await readers?.start();
  await probe.start(address, sendTemplate('binary', 'new', 0, MESSAGE_BYTES));
  const startedAt = performance.now();
  const sent = await send(broker, 'new', flags.count, MESSAGE_BYTES);
  const seconds = (performance.now() - startedAt) / 1000;
  const read = readers?.stop() ?? { messages: 0, refused: 0 };
  const waits = probe.stop();
  if (sent.refused + read.refused > 0) throw new Error(`${sent.refused} sends and ${read.refused} pulls were refused`);
  return {
    perSecond: sent.perSecond,
    readsPerSecond: read.messages / seconds,
    brokerCpu: sent.cpuMicroseconds,
    p50Ms: percentile(waits, 0.5),
    p99Ms: percentile(waits, 0.99),
    maxMs: waits[waits.length - 1],
  };
}

async function measure(broker: BrokerProcess): Promise<void> {
  const connection = await RawConnection.open(broker.brokerAddr);
  for (const topic of ['old', 'filler', 'new']) await createTopic(connection, topic, flags.queues);
  await send(broker, 'old', flags.old, MESSAGE_BYTES);
  await send(broker, 'filler', Math.ceil((flags.filler * MIB) / FILLER_BYTES), FILLER_BYTES);
  const inQueue = await maxOffset(connection, 'old', flags.queues - 1);
  connection.close();
  const turns = new Map<string, Turn[]>(LOADS.map((load) => [load, []]));
  await send(broker, 'new', flags.count, MESSAGE_BYTES);
  for (let round = 0; round < flags.rounds; round++) {
    for (const load of LOADS) turns.get(load)?.push(await turn(broker, load, inQueue));
  }
  const of = (load: string, value: (turn: Turn) => number): number => median((turns.get(load) ?? []).map(value));
  const alone = of('alone', (one) => one.perSecond);
  printTable(
    [
      'sends',
      'sends/s',
      'of those alone',
      'messages read/s',
      'broker CPU us/send',
      'one send at a time: p50 / p99 / longest ms',
    ],
    LOADS.map((load) => [
      load,
      `${(of(load, (one) => one.perSecond) / 1000).toFixed(1)} k`,
      (of(load, (one) => one.perSecond) / alone).toFixed(2),
      `${(of(load, (one) => one.readsPerSecond) / 1000).toFixed(1)} k`,
      of(load, (one) => one.brokerCpu).toFixed(1),
      [of(load, (one) => one.p50Ms), of(load, (one) => one.p99Ms), of(load, (one) => one.maxMs)]
        .map((ms) => ms.toFixed(1))
        .join(' / '),
    ]),
  );
}

buildApps();
const broker = await BrokerProcess.create({ nodeArgs: flags.node === '' ? [] : flags.node.split(' ') });
try {
  await broker.start();
  await measure(broker);
} finally {
  await broker.remove();
}
