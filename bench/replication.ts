/**
 * What replication costs a master, how far its slave is behind, and what waiting for the slave costs: our pair and the official Java pair in one run, under a
 * generator that costs next to nothing. README.md tells what the figures mean.
 */
import buildApps from '../test/support/build-apps.js';
import { cpuMicroseconds } from '../test/support/child.js';
import { RawConnection } from '../test/support/raw-remoting.js';
import { createTopic } from '../test/support/raw-requests.js';
import { drive } from './lean/drive.js';
import { sendTemplate, type FrameTemplate } from './lean/frames.js';
import { lagAt, untilCaughtUp, type LagResult } from './replication/lag.js';
import { javaKind, rocknestKind, type Kind, type Member } from './replication/member.js';
import { readFlags } from './support/flags.js';
import { median, printTable, rates, spread } from './support/statistics.js';

const flags = readFlags(
  {
    rounds: 5,
    count: 100_000,
    javaCount: 20_000,
    inFlight: 256,
    rate: 50_000,
    seconds: 8,
    kinds: 'rocknest,java',
    node: '',
  },
  {
    rounds: 'times each load runs',
    count: 'messages of a load',
    javaCount: 'the same for the Java brokers',
    inFlight: 'requests in flight',
    rate: 'messages a second at which the lag is measured',
    seconds: 'seconds of that',
    kinds: 'rocknest, java or both',
    node: 'arguments for the node of our brokers, such as --cpu-prof',
  },
);

const TOPIC = 'replicated';
const QUEUES = 8;
const BODY_BYTES = 1_024;
const CONNECTIONS = 4;
const WARM_UP_MESSAGES = 20_000;

interface Load {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
  readonly refused: number;
}

interface Results {
  readonly alone: Load[];
  readonly followed: Load[];
  readonly sync: Load[];
  readonly slaveCpu: number[];
  lag: LagResult | undefined;
}

const templates = Array.from({ length: QUEUES }, (_, queueId) => sendTemplate('binary', TOPIC, queueId, BODY_BYTES));
const frames = (index: number): FrameTemplate => templates[index % QUEUES];

/** CPU time is read when the slave has everything, too. */
async function load(master: Member, count: number, hasSlave: boolean): Promise<Load> {
  const { address, pid } = master;
  const before = cpuMicroseconds(pid);
  const options = {
    address,
    pid,
    connections: CONNECTIONS,
    inFlight: flags.inFlight,
    calls: count,
    messagesPerCall: 1,
  };
  const { perSecond, refused } = await drive({ ...options, frames });
  if (hasSlave) await untilCaughtUp(address);
  return { perSecond, cpuMicroseconds: (cpuMicroseconds(pid) - before) / (count - refused), refused };
}

async function prepare(master: Member, hasSlave: boolean): Promise<void> {
  const connection = await RawConnection.open(master.address);
  await createTopic(connection, TOPIC, QUEUES);
  connection.close();
  await load(master, WARM_UP_MESSAGES, hasSlave);
}

async function measure(kind: Kind, count: number): Promise<Results> {
  const members: Member[] = [];
  const start = async (config: Record<string, string | number | boolean>): Promise<Member> => {
    const member = await kind.start(config);
    members.push(member);
    return member;
  };
  const pair = async (brokerName: string, brokerRole: string): Promise<[master: Member, slave: Member]> => {
    const master = await start({ brokerName, brokerId: 0, brokerRole, inSyncReplicas: 2 });
    const slave = await start({ brokerName, brokerId: 1, brokerRole: 'SLAVE' });
    await prepare(master, true);
    return [master, slave];
  };
  const results: Results = { alone: [], followed: [], sync: [], slaveCpu: [], lag: undefined };
  try {
    const alone = await start({ brokerName: 'alone', brokerId: 0, brokerRole: 'ASYNC_MASTER' });
    await prepare(alone, false);
    const [followed, slave] = await pair('followed', 'ASYNC_MASTER');
    const [sync] = await pair('sync', 'SYNC_MASTER');
    // First: the loads leave the disk with seconds of work.
    if (flags.seconds > 0) results.lag = await lagAt(followed.address, flags.rate, flags.seconds, frames);
    for (let round = 0; round < flags.rounds; round++) {
      results.alone.push(await load(alone, count, false));
      const before = cpuMicroseconds(slave.pid);
      results.followed.push(await load(followed, count, true));
      results.slaveCpu.push((cpuMicroseconds(slave.pid) - before) / count);
      results.sync.push(await load(sync, count, true));
    }
  } finally {
    await Promise.all(members.map((member) => member.stop()));
    await kind.stop();
  }
  return results;
}

function print(all: ReadonlyMap<string, Results>): void {
  const rate = (loads: readonly Load[]): number[] => loads.map(({ perSecond }) => perSecond);
  const cpu = (loads: readonly Load[]): number[] => loads.map(({ cpuMicroseconds: one }) => one);
  console.log(
    `\n1 KiB messages, ${flags.inFlight} in flight over ${CONNECTIONS} connections; lowest / median / highest of ${flags.rounds} rounds\n`,
  );
  const rows: string[][] = [];
  for (const [name, { alone, followed, sync, slaveCpu }] of all) {
    const row = (master: string, loads: readonly Load[], note: string): string[] => [
      name,
      master,
      rates(rate(loads)),
      spread(cpu(loads), 2),
      String(loads.reduce((sum, { refused }) => sum + refused, 0)),
      note,
    ];
    const cost = median(cpu(followed)) - median(cpu(alone));
    rows.push(row('without a slave', alone, ''));
    rows.push(
      row('async, one slave', followed, `replication: ${cost.toFixed(2)} us; the slave: ${spread(slaveCpu, 2)} us`),
    );
    const share = median(rate(sync)) / median(rate(followed));
    rows.push(row('sync, one slave', sync, `rate x ${share.toFixed(2)} of async`));
  }
  printTable(['brokers', 'master', 'msgs/s', 'master CPU us/msg', 'refused', ''], rows);
  console.log(`\nlag at ${flags.rate} messages a second\n`);
  const lags = [...all].flatMap(([name, { lag }]) =>
    lag === undefined
      ? []
      : [
          [
            name,
            `${(lag.perSecond / 1_000).toFixed(1)} k`,
            ...[lag.p50Ms, lag.p99Ms, lag.maxMs].map((ms) => ms.toFixed(1)),
          ],
        ],
  );
  printTable(['brokers', 'reached msgs/s', 'p50 ms', 'p99 ms', 'highest ms'], lags);
}

buildApps();
const kinds: Record<string, { readonly count: number; start(): Promise<Kind> }> = {
  rocknest: { count: flags.count, start: () => rocknestKind(flags.node === '' ? [] : flags.node.split(' ')) },
  java: { count: flags.javaCount, start: javaKind },
};
const all = new Map<string, Results>();
for (const name of flags.kinds.split(',')) {
  const { count, start } = kinds[name];
  const kind = await start();
  all.set(kind.name, await measure(kind, count));
}
print(all);
