import { renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { encodeHaReport, RequestCode, ResponseCode } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { residentBytes } from '../support/child.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { BrokerGroup } from './support/broker-group.js';
import { uniqueName } from './support/clients.js';

const MIB = 1024 * 1024;

let group: BrokerGroup;
const closers: (() => unknown)[] = [];

beforeEach(() => {
  group = new BrokerGroup();
});

afterEach(async () => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  await group.close();
});

function clientOf(address: string): BrokerClient {
  const client = new BrokerClient(address);
  closers.push(() => client.close());
  return client;
}

async function fill(client: BrokerClient, topic: string, count: number, bodyBytes = 1_000): Promise<void> {
  const sends = Array.from({ length: count }, (_, i) => client.send(topic, `${i} `.padEnd(bodyBytes, 'x')));
  for (const reply of await Promise.all(sends)) expect(reply.code).toBe(ResponseCode.SUCCESS);
}

const logged = (text: string): Promise<boolean> =>
  waitFor(() => group.log.some((line) => line.includes(text)), `"${text}" in the log`);

describe('a slave whose log does not fit that of its master', () => {
  it('and needs what the master has deleted is told so, on both sides, and keeps what it has', async () => {
    const topic = uniqueName('topic');
    let master = await group.start(0);
    await group.start(1);
    await fill(clientOf(master.address), topic, 30);
    await group.replicated();
    await group.stop(1);
    await fill(clientOf(master.address), topic, 200);
    await group.stop(0);
    const before = group.segments(1);
    const [first, second] = Object.keys(group.segments(0));
    for (const name of [first, second]) rmSync(join(group.storePath(0), 'commitlog', name));
    master = await group.start(0);
    await group.start(1);
    await logged('the log begins at');
    await logged('the master closed the line; its log says why');
    // The master goes on, and the slave begins anew where it is told to.
    await fill(clientOf(master.address), topic, 10);
    expect(group.segments(1)).toEqual(before);
    await group.stop(1);
    renameSync(group.storePath(1), `${group.storePath(1)}-old`);
    await group.start(1);
    const last = (): [string, string] => Object.entries(group.segments(0)).at(-1)!;
    await waitFor(() => group.segments(1)[last()[0]] === last()[1], 'the last file of the master');
  });

  it('because it has more is refused by the master, and nothing of it is cut', async () => {
    const topic = uniqueName('topic');
    const master = await group.start(0);
    await group.start(1);
    await fill(clientOf(master.address), topic, 50);
    await group.replicated();
    await group.stop(0);
    const before = group.segments(1);
    renameSync(group.storePath(0), `${group.storePath(0)}-lost`);
    const empty = await group.start(0);
    await logged('the two have different histories');
    await fill(clientOf(empty.address), topic, 5);
    expect(group.segments(1)).toEqual(before);
  });

  it('because the master has another history behind the same offset refuses what comes', async () => {
    const topic = uniqueName('topic');
    const master = await group.start(0);
    await group.start(1);
    await fill(clientOf(master.address), topic, 20, 1_000);
    await group.replicated();
    await group.stop(1);
    await group.stop(0);
    const before = group.segments(1);
    renameSync(group.storePath(0), `${group.storePath(0)}-lost`);
    const other = await group.start(0);
    // Records of other sizes: where the slave's log ends, the master's has the middle of one.
    await fill(clientOf(other.address), topic, 60, 777);
    await group.start(1);
    await logged('different histories');
    expect(group.segments(1)).toEqual(before);
  });
});

describe('a slave that reads nothing', () => {
  it("does not slow its master's sends, and its master keeps nothing for it", async () => {
    const master = await BrokerProcess.create({ config: { mappedFileSizeCommitLog: 64 * MIB } });
    closers.push(() => master.remove());
    await master.start();
    const client = clientOf(master.brokerAddr);
    const topic = uniqueName('topic');
    const body = Buffer.alloc(MIB, 'x');
    const send = async (mebibytes: number): Promise<void> => {
      for (let i = 0; i < mebibytes; i++) expect((await client.send(topic, body)).code).toBe(ResponseCode.SUCCESS);
    };
    // Its own buffers and caches are as large as they get.
    await send(192);
    const [host, port] = master.brokerAddr.split(':');
    const slave = connect({ host, port: Number(port) + 1 });
    closers.push(() => slave.destroy());
    slave.pause();
    slave.write(encodeHaReport(0));
    await waitFor(
      async () => (await client.request(RequestCode.GET_BROKER_HA_STATUS)).bodyBuffer.includes('"addr"'),
      'the slave to be connected',
    );
    const before = residentBytes(master.pid);
    await send(192);
    expect(residentBytes(master.pid) - before).toBeLessThan(96 * MIB);
  }, 60_000);
});
