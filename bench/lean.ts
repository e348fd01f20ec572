/**
 * Sends and pulls with a generator that costs next to nothing, to see what a broker itself costs. README.md tells what the figures mean.
 */
import { startOfficialCluster } from '../test/interop/support/official-cluster.js';
import buildApps from '../test/support/build-apps.js';
import { RawConnection } from '../test/support/raw-remoting.js';
import { createTopic, maxOffset } from '../test/support/raw-requests.js';
import { BrokerProcess } from '../test/support/rocknest-process.js';
import { drive, type DriveResult } from './lean/drive.js';
import { pullTemplate, sendTemplate, type FrameTemplate, type HeaderForm } from './lean/frames.js';
import { readFlags } from './support/flags.js';
import { printTable, rates, spread } from './support/statistics.js';

const flags = readFlags(
  {
    rounds: 3,
    count: 500_000,
    connections: 4,
    inFlight: 256,
    pulls: 1_000_000,
    broker: 'rocknest',
    flush: 'ASYNC_FLUSH',
    only: '',
    node: '',
  },
  {
    rounds: 'times each load runs',
    count: 'messages of a send load',
    connections: 'connections of the generator',
    inFlight: 'requests in flight over all connections',
    pulls: 'messages of a pull load; 0 leaves it out',
    broker: 'rocknest or java',
    flush: 'flushDiskType of our broker',
    only: 'runs only the loads whose name contains this',
    node: 'arguments for the node of our broker, such as --cpu-prof',
  },
);

const QUEUES = 8;
const WARM_UP_MESSAGES = 100_000;
const PULL_MESSAGES = 32;

interface Server {
  address: string;
  pid: number;
  stop(): Promise<void>;
}

async function startServer(): Promise<Server> {
  if (flags.broker === 'java') {
    const cluster = await startOfficialCluster();
    return { address: cluster.brokerAddr, pid: cluster.brokerPid, stop: cluster.stop };
  }
  buildApps();
  const nodeArgs = flags.node === '' ? [] : flags.node.split(' ');
  const broker = await BrokerProcess.create({ nodeArgs, config: { flushDiskType: flags.flush } });
  await broker.start();
  return { address: broker.brokerAddr, pid: broker.pid, stop: () => broker.remove() };
}

/** Runs frames until `count` messages are done; `messages` is what one answer stands for. */
function run(
  server: Server,
  count: number,
  messages: number,
  frames: (index: number) => FrameTemplate,
): Promise<DriveResult> {
  const { connections, inFlight } = flags;
  const { address, pid } = server;
  const calls = Math.ceil(count / messages);
  return drive({ address, pid, connections, inFlight, calls, messagesPerCall: messages, frames });
}

function sends(form: HeaderForm, topic: string, bodyBytes: number): (index: number) => FrameTemplate {
  const templates = Array.from({ length: QUEUES }, (_, queueId) => sendTemplate(form, topic, queueId, bodyBytes));
  return (index) => templates[index % QUEUES];
}

/** Reads all queues of a topic side by side, from the first message on, again and again. */
function pulls(form: HeaderForm, topic: string, messagesPerQueue: number): (index: number) => FrameTemplate {
  const steps = Math.floor(messagesPerQueue / PULL_MESSAGES);
  const templates = Array.from({ length: steps * QUEUES }, (_, at) =>
    pullTemplate(form, topic, at % QUEUES, Math.floor(at / QUEUES) * PULL_MESSAGES),
  );
  return (index) => templates[index % templates.length];
}

async function storedInEachQueue(server: Server, topic: string): Promise<number> {
  const connection = await RawConnection.open(server.address);
  const ends = await Promise.all(Array.from({ length: QUEUES }, (_, queueId) => maxOffset(connection, topic, queueId)));
  connection.close();
  return Math.min(...ends);
}

async function measure(server: Server): Promise<void> {
  const connection = await RawConnection.open(server.address);
  for (const topic of ['lean', 'lean-pull']) await createTopic(connection, topic, QUEUES);
  connection.close();
  await run(server, WARM_UP_MESSAGES, 1, sends('json', 'lean', 1024));
  const loads: [string, () => Promise<DriveResult>][] = [];
  for (const form of ['json', 'binary'] as const) {
    for (const size of [128, 1024]) {
      loads.push([`send ${size} B, ${form} header`, () => run(server, flags.count, 1, sends(form, 'lean', size))]);
    }
  }
  if (flags.pulls > 0) {
    await run(server, flags.count, 1, sends('binary', 'lean-pull', 1024));
    const stored = await storedInEachQueue(server, 'lean-pull');
    for (const form of ['json', 'binary'] as const) {
      const frames = pulls(form, 'lean-pull', stored);
      loads.push([`pull 32 x 1024 B, ${form} header`, () => run(server, flags.pulls, PULL_MESSAGES, frames)]);
    }
  }
  const rows: string[][] = [];
  for (const [name, load] of loads.filter(([name]) => name.includes(flags.only))) {
    const results: DriveResult[] = [];
    for (let round = 0; round < flags.rounds; round++) results.push(await load());
    rows.push([
      name,
      rates(results.map((one) => one.perSecond)),
      spread(
        results.map((one) => one.cpuMicroseconds),
        2,
      ),
      String(results.reduce((sum, one) => sum + one.refused, 0)),
    ]);
  }
  console.log(
    `${flags.broker}, ${flags.connections} connections, ${flags.inFlight} in flight; lowest / median / highest of ${flags.rounds} rounds\n`,
  );
  printTable(['load', 'msgs/s', 'broker CPU us/msg', 'refused'], rows);
}

const server = await startServer();
try {
  await measure(server);
} finally {
  await server.stop();
}
