import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNamesrv } from '@rocknest/namesrv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { segmentHashes } from '../e2e/support/broker-group.js';
import { RawConnection } from '../support/raw-remoting.js';
import { createTopic } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { checkQueues } from './support/crash-checker.js';
import { GroupSender } from './support/group-sender.js';

const QUEUES = 4;
const TOPIC = 'election-test';
const MEMBERS = [1, 2, 3];
const PATIENCE_MS = 60_000;
/** So many more messages must be acknowledged before the next thing happens. */
const STEP = 500;

describe('a group of three that elects its master, under load', () => {
  let folder: string;
  let namesrv: { readonly address: string; close(): Promise<void> };
  let members: Map<number, BrokerProcess>;
  let sender: GroupSender;
  const lines = new Map<number, string[]>();

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rocknest-election-'));
    namesrv = await createNamesrv({ listenPort: 0, storePath: join(folder, 'namesrv') });
    members = new Map();
    for (const brokerId of MEMBERS) {
      const config = {
        brokerId,
        brokerName: 'group-a',
        leaseStore: `sqlite:${join(folder, 'lease.db')}`,
        mappedFileSizeCommitLog: 1024 * 1024,
        slaveSynchronizeInterval: 200,
      };
      members.set(brokerId, await BrokerProcess.create({ namesrvAddr: namesrv.address, config }));
    }
    for (const brokerId of MEMBERS) await start(brokerId);
    const first = await master();
    const connection = await RawConnection.open(members.get(first)!.brokerAddr);
    await createTopic(connection, TOPIC, QUEUES);
    connection.close();
    await allInSync(first);
    sender = new GroupSender(
      TOPIC,
      QUEUES,
      [...members.values()].map(({ brokerAddr }) => brokerAddr),
    );
    sender.start();
    await progress();
  });

  afterEach(async () => {
    await sender?.stop();
    for (const member of members.values()) await member.remove();
    await namesrv.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(brokerId: number): Promise<void> {
    const member = members.get(brokerId)!;
    await member.start();
    const kept: string[] = [];
    lines.set(brokerId, kept);
    member.process.onLine((line) => kept.push(line));
  }

  const said = (brokerId: number, pattern: RegExp): boolean =>
    (lines.get(brokerId) ?? []).some((line) => pattern.test(line));
  const isUp = (brokerId: number): boolean => members.get(brokerId)!.process.running;

  /** Who said last that it takes messages, among those that are not excluded. */
  function master(not?: number): Promise<number> {
    return waitFor(
      () => MEMBERS.find((id) => id !== not && isUp(id) && lastRole(id) === 'master'),
      'a master',
      PATIENCE_MS,
    ).catch((error: unknown) => {
      throw new Error(
        `${String(error)}\n${MEMBERS.map((id) => `${id}:\n${members.get(id)!.process.tail()}`).join('\n')}`,
      );
    });
  }

  function lastRole(brokerId: number): string | undefined {
    const roles = (lines.get(brokerId) ?? []).filter((line) => /takes messages now|is a slave now/.test(line));
    return roles.length === 0 ? undefined : roles.at(-1)!.includes('takes messages') ? 'master' : 'slave';
  }

  async function allInSync(masterId: number): Promise<void> {
    await waitFor(() => said(masterId, /in sync: 1, 2, 3/), 'all members to be in sync', PATIENCE_MS);
  }

  async function progress(): Promise<void> {
    const target = sender.acknowledged.length + STEP;
    await waitFor(() => sender.acknowledged.length >= target, `${target} acknowledged messages`, PATIENCE_MS).catch(
      (error: unknown) => {
        throw new Error(
          `${String(error)}\n${MEMBERS.map((id) => `${id}:\n${members.get(id)!.process.tail()}`).join('\n')}`,
        );
      },
    );
  }

  async function expectNothingLost(): Promise<void> {
    await sender.stop();
    await waitFor(
      () => new Set([...members.values()].map(({ storePath }) => JSON.stringify(segmentHashes(storePath)))).size === 1,
      'the logs of all members to be the same',
      PATIENCE_MS,
    );
    for (const member of members.values()) {
      const connection = await RawConnection.open(member.brokerAddr);
      const report = await checkQueues(connection, TOPIC, QUEUES, sender.acknowledged);
      expect(report).toMatchObject({ missing: 0, changed: 0, holes: 0, disordered: 0, repeated: 0, examples: [] });
      connection.close();
    }
  }

  it('loses nothing that was acknowledged when its master is killed, and takes messages again within seconds', async () => {
    const pauses: number[] = [];
    for (let round = 0; round < 3; round++) {
      const old = await master();
      await allInSync(old);
      sender.resetPause();
      await members.get(old)!.kill9();
      const next = await master(old);
      await progress();
      pauses.push(Math.round(sender.longestPauseMs));
      await start(old);
      await allInSync(next);
      await progress();
    }
    await expectNothingLost();
    console.log(`time without writes after a SIGKILL of the master: ${pauses.join(', ')} ms`);
  });

  it('refuses to write as a master that slept through its lease, and lets it follow', async () => {
    const old = await master();
    const { pid, brokerAddr } = members.get(old)!;
    process.kill(pid, 'SIGSTOP');
    const next = await master(old);
    await progress();
    const acknowledgedBefore = sender.countOf(brokerAddr);
    process.kill(pid, 'SIGCONT');
    await waitFor(() => lastRole(old) === 'slave', 'the old master to follow', PATIENCE_MS);
    await allInSync(next);
    await progress();
    expect(sender.countOf(brokerAddr)).toBe(acknowledgedBefore);
    expect(said(old, /writes no more/)).toBe(true);
    await expectNothingLost();
  });
});
