import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, Producer, silentLogger } from '@rocknest/client-core';
import { startCluster } from '@rocknest/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../support/build-program.js';
import { Child } from '../support/child.js';
import { type Handling, readHandlings } from '../support/handling-log.js';
import type { NestCopySettings } from '../support/nest-copy-settings.js';
import { projectRoot } from '../support/project-root.js';
import { waitFor } from '../support/wait-for.js';

const QUEUES = 8;
const NAMES = ['one', 'two'];
/** Messages that each copy has handled before one is told to leave, and the other one after it. */
const SHARE = 200;
const IN_FLIGHT = 16;
const WAIT_MS = 60_000;
const LEAVE_MS = 30_000;
const EXTERNAL = ['@nestjs/common', '@nestjs/core', '@nestjs/microservices', 'rxjs', 'reflect-metadata'];

type Cluster = Awaited<ReturnType<typeof startCluster>>;

let folder: string;
let programs: string;
let program: string;
let cluster: Cluster;
let admin: MQAdmin;
let producer: Producer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rocknest-copies-'));
  // Below the project, where Nest's packages are found.
  mkdirSync(join(projectRoot, 'dist'), { recursive: true });
  programs = mkdtempSync(join(projectRoot, 'dist', 'nest-copy-'));
  program = buildProgram('test/support/nest-copy.ts', programs, EXTERNAL);
  cluster = await startCluster();
  const client = { namesrvAddr: cluster.namesrvAddr, logger: silentLogger };
  admin = new MQAdmin(client);
  producer = new Producer({ ...client, group: 'PID_copies', sendMsgTimeoutMs: WAIT_MS });
  await Promise.all([admin.start(), producer.start()]);
});

afterAll(async () => {
  await producer?.shutdown();
  await admin?.shutdown();
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
  if (programs !== undefined) rmSync(programs, { recursive: true, force: true });
});

describe('two copies of one Nest application, each a process of its own, in one group (item 9)', () => {
  it.each(['pull', 'pop'] as const)(
    'one is shut down by SIGTERM under load: no message is lost, none comes twice (%s)',
    { timeout: 3 * WAIT_MS },
    async (mode) => {
      const topic = `copies-${mode}`;
      const group = `g-${topic}`;
      await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
      const logFile = (name: string): string => join(folder, `${mode}-${name}`);
      const copies = NAMES.map((name) => {
        const settings: NestCopySettings = {
          namesrvAddr: cluster.namesrvAddr,
          topic,
          group,
          mode,
          logFile: logFile(name),
        };
        const args = ['--enable-source-maps', program, JSON.stringify(settings)];
        return new Child({ name, command: process.execPath, args });
      });
      const handlings = (name: string): Handling[] =>
        existsSync(logFile(name)) ? readHandlings(logFile(name), name) : [];
      const all = (): Handling[] => NAMES.flatMap(handlings);
      const queues = Array.from({ length: QUEUES }, (_, queueId) => ({ topic, brokerName: '', queueId }));
      const send = async (number: number): Promise<void> => {
        const found = await producer.fetchPublishMessageQueues(topic);
        const queue = found[Math.abs(number) % found.length];
        await producer.send({ topic, body: String(number) }, { queue });
      };
      try {
        // One message for each queue, until each has one owner and both copies own some.
        let rounds = 0;
        await waitFor(
          async () => {
            const first = -(rounds + 1) * QUEUES;
            rounds++;
            await Promise.all(queues.map((_, at) => send(first + at)));
            const round = (): Handling[] => all().filter(({ number }) => number >= first && number < first + QUEUES);
            await waitFor(() => round().length >= QUEUES, 'a message of each queue', WAIT_MS);
            // Whoever pops takes of all queues.
            const isShared = mode === 'pop' || NAMES.every((name) => round().some(({ member }) => member === name));
            return round().length === QUEUES && isShared;
          },
          'both copies to have queues',
          WAIT_MS,
        );
        const handled = (name: string): number => handlings(name).filter(({ number }) => number >= 0).length;
        let sent = 0;
        let enough = false;
        const sending = Promise.all(
          Array.from({ length: IN_FLIGHT }, async () => {
            while (!enough) await send(sent++);
          }),
        );
        await waitFor(() => NAMES.every((name) => handled(name) >= SHARE), 'both copies under load', WAIT_MS);
        await copies[0].stop(LEAVE_MS);
        const then = handled('two');
        await waitFor(() => handled('two') >= then + SHARE, 'the other copy to go on', WAIT_MS);
        enough = true;
        await sending;
        const numbers = (): number[] => all().flatMap(({ number }) => (number >= 0 ? [number] : []));
        await waitFor(() => new Set(numbers()).size >= sent, `${sent} messages`, WAIT_MS);
        expect(
          handlings('one').filter(({ endNs }) => endNs === undefined),
          'handlers that were cut off',
        ).toEqual([]);
        expect(numbers().sort((a, b) => a - b)).toEqual(Array.from({ length: sent }, (_, number) => number));
      } finally {
        await Promise.all(copies.map((copy) => copy.stop(LEAVE_MS)));
      }
    },
  );
});
