import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, silentLogger } from '@rocknest/client-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess, NamesrvProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { type HarnessProcess, JavaClient } from './support/java-client.js';
import { requireToolchain } from './support/toolchain.js';

const GROUP = 'group-a';
const MEMBERS = [1, 2, 3];
const WAIT_MS = 60_000;
/** Acknowledged sends between two steps. */
const STEP = 100;
/** More than the senders of a run have on their way at once. */
const UNDER_WAY = 100;
/** How often a run tells how far it is. */
const PROGRESS_MS = 100;

let folder: string;
let namesrv: NamesrvProcess;
let admin: MQAdmin;
let client: JavaClient | undefined;
const members = new Map<number, BrokerProcess>();
const lines = new Map<number, string[]>();

/** A group of three that elects its master by a lease in a SQLite file: each a process. */
beforeAll(async () => {
  requireToolchain();
  folder = mkdtempSync(join(tmpdir(), 'rocknest-fail-over-'));
  namesrv = await NamesrvProcess.create();
  await namesrv.start();
  for (const brokerId of MEMBERS) {
    const config = {
      brokerName: GROUP,
      brokerId,
      leaseStore: `sqlite:${join(folder, 'lease.db')}`,
      vipChannelEnable: false,
      slaveSynchronizeInterval: 500,
      mappedFileSizeCommitLog: 16 * 1024 * 1024,
    };
    members.set(brokerId, await BrokerProcess.create({ namesrvAddr: namesrv.address, config }));
  }
  await Promise.all(MEMBERS.map(start));
  admin = new MQAdmin({ namesrvAddr: namesrv.address, logger: silentLogger });
  await admin.start();
  await wholeGroup();
});

afterEach(async () => {
  await client?.stop();
});

afterAll(async () => {
  await admin?.shutdown();
  for (const member of members.values()) await member.remove();
  await namesrv?.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function start(brokerId: number): Promise<void> {
  const member = members.get(brokerId)!;
  await member.start();
  const kept: string[] = [];
  lines.set(brokerId, kept);
  member.process.onLine((line) => kept.push(line));
}

/** Who is master as clients see it; undefined while nobody is. */
async function masterId(): Promise<number | undefined> {
  const { brokerAddrTable } = await admin.examineBrokerClusterInfo();
  const address = Object.values(brokerAddrTable)
    .find(({ brokerName }) => brokerName === GROUP)
    ?.brokerAddrs.get(0);
  return MEMBERS.find((id) => members.get(id)!.brokerAddr === address);
}

/** Waits until a master has all three in sync. @returns its id. */
function wholeGroup(): Promise<number> {
  return waitFor(
    async () => {
      const id = await masterId();
      const last = lines.get(id ?? 0)?.findLast((line) => /in sync: |is a slave now/.test(line));
      return last?.includes('in sync: 1, 2, 3') === true ? id : undefined;
    },
    'three members in sync',
    WAIT_MS,
  );
}

function acknowledged(run: HarnessProcess): number {
  return Number(run.events.findLast(({ event }) => event === 'progress')?.acknowledged ?? 0);
}

/** Waits until so many more sends were acknowledged, whatever failed meanwhile. */
async function more(run: HarnessProcess, count: number): Promise<void> {
  const goal = acknowledged(run) + count;
  await run.waitFor(({ event, acknowledged: now }) => event === 'progress' && Number(now) >= goal, 'progress');
}

/** ms of the longest time in which nothing was acknowledged, as finely as the run tells. */
function longestPauseMs(run: HarnessProcess, start: number): number {
  let longest = 0;
  let length = 0;
  let before = -1;
  for (const { event, acknowledged: now } of run.events.slice(start)) {
    if (event !== 'progress') continue;
    length = now === before ? length + 1 : 0;
    before = Number(now);
    longest = Math.max(longest, length);
  }
  return longest * PROGRESS_MS;
}

describe.each(['5.4.0', '4.9.8'])('the official Java client %s on a group that elects its master', (version) => {
  it('goes on by itself when the master is killed, and when it hangs: nothing acknowledged is lost (items 3 and 4)', async () => {
    client = new JavaClient(version, namesrv.address);
    const name = version.replaceAll('.', '_');
    const topic = `fail-over-${name}`;
    await wholeGroup();
    await client.run('create-topic', { topic, queues: 4 });
    // The settings that the guide recommends; the default looks at routes every 30 s.
    const settings = { 'poll-namesrv-ms': 1_000, 'send-timeout-ms': 3_000 };
    const run = client.start('long-run', { topic, group: `GID_fail_over_${name}`, seed: 'fail-over', ...settings });
    await more(run, STEP);
    for (const loss of ['SIGKILL', 'SIGSTOP'] as const) {
      const old = await wholeGroup();
      const begin = run.events.length;
      const { pid } = members.get(old)!;
      if (loss === 'SIGKILL') await members.get(old)!.kill9();
      else process.kill(pid, 'SIGSTOP');
      try {
        await waitFor(async () => ![old, undefined].includes(await masterId()), 'another master', WAIT_MS);
        await more(run, STEP + UNDER_WAY);
      } finally {
        if (loss === 'SIGSTOP') process.kill(pid, 'SIGCONT');
      }
      console.log(`${version}: ${longestPauseMs(run, begin)} ms without writes after a ${loss} of the master`);
      if (loss === 'SIGKILL') await start(old);
      await wholeGroup();
      await more(run, STEP);
    }
    const result = await run.finish();
    expect(result).toMatchObject({ missing: 0, foreign: 0 });
    expect(result.acknowledged).toBeGreaterThan(5 * STEP);
  });
});
