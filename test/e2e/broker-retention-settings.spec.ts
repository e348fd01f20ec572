import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, silentLogger } from '@rocknest/client-core';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { Clients, uniqueName } from './support/clients.js';

const MESSAGES = 150;
const HOUR_MS = 3_600_000;
/** However full the disk of the machine is, it is no reason to delete. */
const ANY_DISK = { diskMaxUsedSpaceRatio: 99, diskSpaceCleanForciblyRatio: 100, diskSpaceWarningLevelRatio: 100 };
const QUICK = {
  mappedFileSizeCommitLog: 64 * 1024,
  maxHashSlotNum: 100,
  maxIndexNum: 20,
  cleanResourceInterval: 20,
  deleteCommitLogFilesInterval: 1,
};

let cluster: RunningCluster;
let clients: Clients;
let admin: MQAdmin;
let storeRoot: string;

async function start(broker: object): Promise<void> {
  cluster = await startCluster({ storeRoot, broker: { ...QUICK, ...broker } });
  clients = new Clients(cluster.namesrvAddr);
  admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
  await admin.start();
}

beforeEach(() => {
  storeRoot = mkdtempSync(join(tmpdir(), 'rocknest-retention-settings-'));
});

afterEach(async () => {
  await stop();
  rmSync(storeRoot, { recursive: true, force: true });
});

async function stop(): Promise<void> {
  await admin?.shutdown();
  await clients?.shutdown();
  await cluster?.stop();
}

const names = (folder: string): string[] => readdirSync(join(storeRoot, 'broker-a', folder)).sort();

/** Some full files of the commit log; each message has a key of its own. */
async function fill(topic: string): Promise<void> {
  const producer = await clients.producer();
  for (let i = 0; i < MESSAGES; i++) {
    await producer.send({ topic, keys: [`key-${i}`], body: `m-${i}`.padEnd(2_000, '.') });
  }
}

async function isFound(topic: string, i: number): Promise<boolean> {
  return (await admin.queryMessage(topic, `key-${i}`)).messages.length === 1;
}

/** This hour and the next one, so that the test may last over the turn of an hour. */
function thisHour(): string {
  return [0, HOUR_MS].map((ms) => new Date(Date.now() + ms).getHours()).join(';');
}

describe('what the settings of a broker say about deletion', () => {
  it('in the hours of deleteWhen files go that are older than fileReservedTime, no younger ones, and the index follows', async () => {
    const topic = uniqueName('topic');
    await start({ ...ANY_DISK, deleteWhen: thisHour(), fileReservedTime: 1 });
    await admin.createTopic(topic, { writeQueueNums: 1 });
    await fill(topic);
    expect(await isFound(topic, 0)).toBe(true);
    const before = names('commitlog');
    expect(before.length).toBeGreaterThan(4);
    const indexBefore = names('index');
    expect(indexBefore.length).toBeGreaterThan(3);
    const twoHoursAgo = (Date.now() - 2 * HOUR_MS) / 1_000;
    for (const name of before.slice(0, 2)) {
      utimesSync(join(storeRoot, 'broker-a', 'commitlog', name), twoHoursAgo, twoHoursAgo);
    }
    await waitFor(() => names('commitlog')[0] === before[2], 'the two old files to go');
    await waitFor(() => names('index').length < indexBefore.length, 'the index to follow');
    expect(await isFound(topic, 0)).toBe(false);
    expect(await isFound(topic, MESSAGES - 1)).toBe(true);
    // The last ones of the list may have been in the making.
    expect(names('commitlog')).toEqual(expect.arrayContaining(before.slice(2, 4)));
    const { received } = await clients.consumer(topic);
    await waitFor(() => received.some(({ text }) => text.startsWith(`m-${MESSAGES - 1}.`)), 'what is left');
  });

  it('above diskSpaceCleanForciblyRatio the oldest files go though none is expired, and sends go on', async () => {
    const topic = uniqueName('topic');
    await start(ANY_DISK);
    await admin.createTopic(topic, { writeQueueNums: 1 });
    await fill(topic);
    const before = names('commitlog');
    expect(before.length).toBeGreaterThan(3);
    await stop();
    await start({ ...ANY_DISK, diskSpaceCleanForciblyRatio: 1 });
    // Left are the file that takes messages, and the one that was made for the next.
    await waitFor(() => names('commitlog').length <= 2, 'the files to go');
    const producer = await clients.producer();
    await producer.send({ topic, keys: ['goes-on'], body: 'goes on' });
    expect((await admin.queryMessage(topic, 'goes-on')).messages).toHaveLength(1);
    expect(await isFound(topic, 0)).toBe(false);
  });
});
