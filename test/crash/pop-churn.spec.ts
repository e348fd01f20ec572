import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MQAdmin, Producer, silentLogger } from '@rocknest/client-core';
import { Child } from '../support/child.js';
import { projectRoot } from '../support/project-root.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import type { PopMemberSettings } from './support/pop-member.js';

const TOPIC = 'pop-churn';
const GROUP = 'pop-churn-group';
const MEMBERS = 5;
const QUEUES = 8;
const MESSAGES = Number(process.env.POP_CHURN_MESSAGES ?? 30_000);
/** Seconds of churn, one step in each. */
const STEPS = Number(process.env.POP_CHURN_SECONDS ?? 16);
/** What a killed member had comes again after this time. */
const INVISIBLE_MS = 15_000;
const CATCH_UP_MS = 90_000;
const LEAVE_GRACE_MS = 30_000;

interface Member {
  name: string;
  child: Child;
  joined: boolean;
  killed: boolean;
}

/** Which members handled each message, as their logs say. */
function handlings(folder: string, members: readonly Member[]): Map<number, Member[]> {
  const by = new Map<number, Member[]>();
  for (const member of members) {
    const path = join(folder, member.name);
    if (!existsSync(path)) continue;
    // A line that a kill cut off was not finished.
    for (const line of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
      const number = Number(line);
      by.set(number, [...(by.get(number) ?? []), member]);
    }
  }
  return by;
}

describe(`a popping group of ${MEMBERS} members, one of which comes or goes every second, some by SIGKILL`, () => {
  let folder: string;
  let broker: BrokerProcess;
  let admin: MQAdmin;
  let producer: Producer;
  const all: Member[] = [];
  let present: Member[] = [];
  const troubles: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rocknest-pop-churn-'));
    const rolldown = join(projectRoot, 'node_modules/rolldown/bin/cli.mjs');
    const source = join(projectRoot, 'test/crash/support/pop-member.ts');
    const args = [rolldown, source, '--platform', 'node', '--format', 'esm', '-d', join(folder, 'program')];
    const built = spawnSync(process.execPath, args, { cwd: projectRoot, encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`the member was not built\n${built.stdout}\n${built.stderr}`);
    broker = await BrokerProcess.create();
    await broker.start();
    const { namesrvAddr } = broker;
    admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
    producer = new Producer({ namesrvAddr, group: 'pop-churn-producer', logger: silentLogger });
    await Promise.all([admin.start(), producer.start()]);
    await admin.createTopic(TOPIC, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
  });
  afterAll(async () => {
    await Promise.all(present.map((member) => leave(member)));
    await producer?.shutdown();
    await admin?.shutdown();
    await broker?.remove();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  function addMember(): void {
    const name = `member-${all.length + 1}`;
    const settings: PopMemberSettings = {
      namesrvAddr: broker.namesrvAddr,
      topic: TOPIC,
      group: GROUP,
      invisibleTimeMs: INVISIBLE_MS,
      logFile: join(folder, name),
    };
    const program = join(folder, 'program/pop-member.js');
    const child = new Child({ name, command: process.execPath, args: [program, JSON.stringify(settings)] });
    const member: Member = { name, child, joined: false, killed: false };
    child.onLine((line) => (member.joined ||= line === 'joined'));
    all.push(member);
    present.push(member);
    void child.waitForExit().then((code) => {
      if (present.includes(member)) troubles.push(`${name} ended by itself with ${code}:\n${child.tail()}`);
    });
  }

  async function leave(member: Member): Promise<void> {
    present = present.filter((other) => other !== member);
    const exit = member.child.waitForExit();
    await member.child.stop(LEAVE_GRACE_MS);
    const code = await exit;
    if (code !== 0) troubles.push(`${member.name} left with ${code}:\n${member.child.tail()}`);
  }

  async function kill(member: Member): Promise<void> {
    present = present.filter((other) => other !== member);
    member.killed = true;
    await member.child.kill('SIGKILL');
  }

  it(`loses none of ${MESSAGES} messages, and repeats only what a killed member had`, async () => {
    for (let i = 0; i < MEMBERS; i++) addMember();
    await waitFor(() => present.every(({ joined }) => joined), 'all members', 60_000);
    const ends: Promise<void>[] = [];
    let sent = 0;
    for (let step = 0; step < STEPS; step++) {
      const upTo = Math.floor((MESSAGES * (step + 1)) / STEPS);
      const part = Array.from({ length: upTo - sent }, (_, i) => String(sent + i));
      sent = upTo;
      // In the middle of the work of this second.
      const act = (): void => {
        if (step % 2 === 1) addMember();
        else {
          const oldest = present.find(({ joined }) => joined)!;
          ends.push(step % 4 === 0 ? leave(oldest) : kill(oldest));
        }
      };
      await Promise.all([
        ...part.map((body) => producer.send({ topic: TOPIC, body })),
        new Promise((resolve) => setTimeout(resolve, 100)).then(act),
        new Promise((resolve) => setTimeout(resolve, 1_000)),
      ]);
    }
    await Promise.all(ends);
    await waitFor(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 250));
        return handlings(folder, all).size === MESSAGES;
      },
      'every message handled',
      CATCH_UP_MS,
    );
    await Promise.all(present.map((member) => leave(member)));

    const by = handlings(folder, all);
    const repeated = [...by].filter(([, handlers]) => handlers.length > 1);
    const needless = repeated.filter(([, handlers]) => !handlers.some(({ killed }) => killed));
    const kills = all.filter(({ killed }) => killed).length;
    console.log(
      `${all.length} joined, ${kills} killed; ${by.size} of ${MESSAGES} messages handled, ${repeated.length} more than once, ` +
        `${needless.length} of them without a kill`,
    );
    expect(troubles).toEqual([]);
    expect(by.size).toBe(MESSAGES);
    expect(kills).toBe(Math.floor((STEPS + 1) / 4));
    expect(needless).toEqual([]);
  });
});
