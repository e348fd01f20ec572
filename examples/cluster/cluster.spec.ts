import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, silentLogger } from '@rocknest/client-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Clients, uniqueName } from '../../test/e2e/support/clients.js';
import { Child } from '../../test/support/child.js';
import { answers } from '../../test/support/cluster-ready.js';
import { freePort } from '../../test/support/free-port.js';
import { projectRoot } from '../../test/support/project-root.js';
import { waitFor } from '../../test/support/wait-for.js';
import { readOptions } from './src/cluster-options.js';
import { composeFile, composeMembers } from './src/compose.js';
import { clusterMembers, DEFAULT_PORTS, MEMBER_NAMES } from './src/members.js';

const folder = mkdtempSync(join(tmpdir(), 'rocknest-cluster-example-'));
const children: Child[] = [];

beforeAll(() => {
  const rolldown = join(projectRoot, 'node_modules/rolldown/bin/cli.mjs');
  const args = [
    rolldown,
    'examples/cluster/src/main.ts',
    '--platform',
    'node',
    '--format',
    'esm',
    '-d',
    'dist/examples/cluster',
  ];
  const result = spawnSync(process.execPath, args, { cwd: projectRoot, encoding: 'utf8' });
  expect(result.status, result.stderr).toBe(0);
});

afterEach(async () => {
  for (const child of children.splice(0)) await child.stop(40_000);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: string[]): Child {
  const file = join(projectRoot, 'dist/examples/cluster/main.js');
  const child = new Child({ name: 'npm run cluster', command: process.execPath, args: [file, ...args] });
  children.push(child);
  return child;
}

/** Waits for a line; fails with the output when the process ends before. */
async function said(child: Child, text: string): Promise<void> {
  await waitFor(
    () => {
      if (child.tail().includes(text)) return true;
      if (!child.running) throw new Error(`${child.name} ended\n${child.tail()}`);
      return false;
    },
    `"${text}"`,
    60_000,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${child.tail()}`);
  });
}

async function freePorts(): Promise<number[]> {
  const ports: number[] = [];
  for (let i = 0; i < MEMBER_NAMES.length; i++) ports.push(await freePort([1]));
  return ports;
}

describe('npm run cluster', () => {
  it('starts all, goes on without a master that was killed, takes it back, and stops all in order', async () => {
    const ports = await freePorts();
    const cluster = start('--folder', folder, '--ports', ports.join(','));
    await said(cluster, 'The cluster is up');
    for (const name of MEMBER_NAMES)
      expect(cluster.tail()).toMatch(new RegExp(`${name} +127\\.0\\.0\\.1:\\d+ +serves`));
    const namesrvAddr = `127.0.0.1:${ports[0]};127.0.0.1:${ports[1]}`;
    expect(cluster.tail()).toContain(`NAMESRV_ADDR="${namesrvAddr}" npm run demo`);

    const clients = new Clients(namesrvAddr);
    const admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
    try {
      await admin.start();
      const topic = uniqueName('orders');
      await admin.createTopic(topic, { readQueueNums: 2, writeQueueNums: 2 });
      const producer = await clients.producer();
      const { received } = await clients.consumer(topic, { pollNameServerIntervalMs: 500 });
      const sent: string[] = [];
      const brokers = new Set<string>();
      const send = async (count: number): Promise<void> => {
        for (const end = sent.length + count; sent.length < end;) {
          const result = await producer.send({ topic, body: String(sent.length) });
          expect(result.status).toBe('SEND_OK');
          brokers.add(result.messageQueue.brokerName);
          sent.push(String(sent.length));
        }
      };
      const allArrive = (): Promise<boolean> =>
        waitFor(() => new Set(received.map(({ text }) => text)).size === sent.length, 'all messages', 30_000);
      await send(20);
      expect(brokers).toEqual(new Set(['group-a', 'group-b']));
      cluster.write('kill group-a-master');
      await said(cluster, 'group-a-master is gone');
      await send(50);
      // What only the dead master's group has is read from its slave.
      await allArrive();
      cluster.write('start group-a-master');
      await said(cluster, 'group-a-master is back');
      brokers.clear();
      await waitFor(async () => {
        await send(10);
        return brokers.size === 2;
      }, 'sends to both groups');
      await allArrive();
    } finally {
      await clients.shutdown();
      await admin.shutdown();
    }
    expect(await cluster.kill('SIGINT'), cluster.tail()).toBe(0);
    for (const name of MEMBER_NAMES) expect(cluster.tail()).toMatch(new RegExp(`${name} +stopped`));
    for (const port of ports) expect(await answers(`127.0.0.1:${port}`)).toBe(false);
  }, 120_000);

  it('says which port is in use, and starts nothing', async () => {
    const ports = await freePorts();
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(ports[4], '127.0.0.1', resolve));
    const cluster = start('--folder', folder, '--ports', ports.join(','));
    expect(await cluster.waitForExit()).toBe(1);
    await new Promise((resolve) => squatter.close(resolve));
    expect(cluster.tail()).toContain(`port ${ports[4]} of group-b-master is in use`);
    expect(cluster.tail()).toContain('--ports');
    expect(cluster.tail()).not.toContain('serves');
  });

  it.each([
    ['1,2,3', 'give 6 ports'],
    ['9876,9877,10911,10912,10931,10941', 'two members would take port 10912'],
    ['9876,9877,ten,10921,10931,10941', 'give 6 ports'],
  ])('refuses --ports %s', (ports, text) => {
    expect(() => readOptions(['--ports', ports])).toThrow(text);
  });
});

describe('compose.yaml', () => {
  it('is what the members say', async () => {
    await expect(composeFile()).toMatchFileSnapshot('compose.yaml');
  });

  it('starts what the script starts, but for where it listens and keeps its files', () => {
    const text = readFileSync(join(projectRoot, 'examples/cluster/compose.yaml'), 'utf8');
    const members = clusterMembers({ ports: DEFAULT_PORTS, folder: '/stores' });
    for (const { name, app, settings } of members) {
      const [, service] = text.split(`\n  ${name}:\n`);
      const command = /command:\n((?: {6}- .*\n)+)/.exec(service)![1].trimEnd().split('\n');
      const [program, file, ...flags] = command.map((line) => line.replace(/^ *- '(.*)'$/, '$1'));
      expect([program, file]).toEqual(['node', `dist/${app}/main.js`]);
      const inContainer = new Map(flags.map((flag) => flag.slice(2).split('=') as [string, string]));
      expect(inContainer.get('bindAddress')).toBe('0.0.0.0');
      inContainer.delete('bindAddress');
      inContainer.delete('brokerIP1');
      expect(Object.fromEntries(inContainer)).toEqual(settings);
    }
    for (const { ports } of composeMembers()) expect(text).toContain(`- '127.0.0.1:${ports[0]}:${ports[0]}'`);
  });
});
