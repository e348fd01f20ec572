import { MQAdmin, silentLogger } from '@rocknest/client-core';
import { decodeHARuntimeInfo, RequestCode, ResponseCode } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { type Faults, FaultyProxy } from '../support/faulty-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { BrokerGroup } from './support/broker-group.js';
import { uniqueName } from './support/clients.js';

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

/** The line from the master to its slaves goes through a proxy with faults. */
async function lineWith(haAddress: string | undefined, faults: () => Faults): Promise<FaultyProxy> {
  const proxy = await FaultyProxy.start(haAddress!, faults);
  closers.push(() => proxy.close());
  return proxy;
}

describe('a master that is told to stop', () => {
  it('lets a slow slave get the end of its log', async () => {
    const master = await group.start(0);
    const proxy = await lineWith(master.haAddress, () => ({ pieceBytes: 4_096, delayMs: 5 }));
    await group.start(1, { haMasterAddress: proxy.address });
    await fill(clientOf(master.address), uniqueName('topic'), 50);
    await group.replicated();
    await fill(clientOf(master.address), uniqueName('topic'), 300);
    await group.stop(0);
    expect(group.segments(1)).toEqual(group.segments(0));
  });

  it('does not wait for ever', async () => {
    const master = await group.start(0, { shutdownGraceMs: 300 });
    const proxy = await lineWith(master.haAddress, () => ({}));
    await group.start(1, { haMasterAddress: proxy.address });
    await fill(clientOf(master.address), uniqueName('topic'), 50);
    await group.replicated();
    proxy.freeze();
    await fill(clientOf(master.address), uniqueName('topic'), 50);
    await group.stop(0);
    expect(group.log.join('\n')).toContain('1 slaves did not get the end of the log');
  });
});

describe('the HA status', () => {
  it('tells of a master its slaves, and of a slave its line', async () => {
    const master = await group.start(0);
    const slave = await group.start(1);
    const admin = new MQAdmin({ namesrvAddr: group.namesrvAddr, logger: silentLogger });
    closers.push(() => admin.shutdown());
    await admin.start();
    await fill(clientOf(master.address), uniqueName('topic'), 20);
    await group.replicated();
    const ofMaster = await waitFor(async () => {
      const status = await admin.getBrokerHAStatus(master.address);
      return status.haConnectionInfo[0]?.diff === 0 ? status : undefined;
    }, 'the report of the slave');
    const { masterCommitLogMaxOffset } = ofMaster;
    expect(masterCommitLogMaxOffset).toBeGreaterThan(20_000);
    expect(ofMaster).toMatchObject({
      master: true,
      inSyncSlaveNums: 1,
      haConnectionInfo: [
        { slaveAckOffset: masterCommitLogMaxOffset, inSync: true, transferFromWhere: masterCommitLogMaxOffset },
      ],
    });
    expect(await admin.getBrokerHAStatus(slave.address)).toMatchObject({
      master: false,
      haConnectionInfo: [],
      haClientRuntimeInfo: { masterAddr: master.haAddress, maxOffset: masterCommitLogMaxOffset, activated: true },
    });
    await group.stop(0);
    const alone = await waitFor(async () => {
      const { haClientRuntimeInfo } = await admin.getBrokerHAStatus(slave.address);
      return haClientRuntimeInfo.activated ? undefined : haClientRuntimeInfo;
    }, 'the slave to notice');
    expect(Date.now() - alone.lastReadTimestamp).toBeLessThan(60_000);
  });
});

const BROKEN_LINES = 25;

/** Numbers that are the same for the same seed: a failed run can be repeated. */
function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('a line that breaks', () => {
  it.each([1, 2])(
    'at any byte, with what comes cut up and late, leaves the same log in the end (seed %i)',
    async (seed) => {
      const random = randoms(seed);
      const upTo = (max: number): number => 1 + Math.floor(random() * max);
      const master = await group.start(0, { haTransferBatchSize: 1_024 + upTo(8_192) });
      let isWhole = false;
      // Within a header of 12 bytes, within a record, between two, and after much.
      const ranges = [14, 1_500, 20_000, 60_000];
      const proxy = await lineWith(master.haAddress, () => {
        if (isWhole) return {};
        const faults = { cutAfterBytes: upTo(ranges[Math.floor(random() * ranges.length)]), pieceBytes: upTo(3_000) };
        return random() < 0.5 ? faults : { ...faults, delayMs: upTo(3) };
      });
      const client = clientOf(master.address);
      const topic = uniqueName('topic');
      await group.start(1, { haMasterAddress: proxy.address });
      const hasAll = async (): Promise<boolean> => {
        const { bodyBuffer } = await client.request(RequestCode.GET_BROKER_HA_STATUS);
        return decodeHARuntimeInfo(bodyBuffer).haConnectionInfo.some(({ diff }) => diff === 0);
      };
      for (let lines = 0; lines < BROKEN_LINES; lines = proxy.connections) {
        await fill(client, topic, upTo(8), upTo(3_000));
        await waitFor(async () => proxy.connections > lines || (await hasAll()), 'the line to break, or to be done');
      }
      isWhole = true;
      await group.replicated();
      expect(Object.keys(group.segments(1)).length).toBeGreaterThan(1);
      expect(group.log.filter((line) => /damaged|no message|goes on at offset/.test(line))).toEqual([]);
    },
  );
});
