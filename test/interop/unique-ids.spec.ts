import { Producer, silentLogger } from '@rocknest/client-core';
import { UniqKeyGenerator, uniqKeyTimeMs } from '@rocknest/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRocknestCluster } from '../support/rocknest-process.js';
import { Lab } from './support/lab.js';
import { requireToolchain } from './support/toolchain.js';

/** What the official client reads out of an id. */
interface Parts {
  time: number;
  ip: string;
  pid: number;
}

describe('unique ids (item 1: sending)', () => {
  let cluster: { namesrvAddr: string; stop(): Promise<void> };
  const labs = new Map<string, Lab>();

  beforeAll(async () => {
    requireToolchain();
    cluster = await startRocknestCluster();
    for (const version of ['4.9.8', '5.4.0']) labs.set(version, await Lab.start(version, cluster.namesrvAddr));
  });

  afterAll(async () => {
    await Promise.all([...labs.values()].map((lab) => lab.stop()));
    await cluster?.stop();
  });

  it.each(['4.9.8', '5.4.0'])(
    'of our client: time, address and process are read by the official client %s',
    async (version) => {
      const lab = labs.get(version)!;
      const producer = new Producer({ namesrvAddr: cluster.namesrvAddr, group: 'PID_ids', logger: silentLogger });
      await producer.start();
      const before = Date.now();
      const { msgId } = await producer.send({ topic: 'ids', body: 'x' });
      const after = Date.now();
      await producer.shutdown();
      const { time, ip, pid } = await lab.ask<Parts>('lookup.readId', { id: msgId });
      expect(time).toBeGreaterThanOrEqual(before);
      expect(time).toBeLessThanOrEqual(after);
      expect(ip).toBe([...Buffer.from(msgId.slice(0, 8), 'hex')].join('.'));
      expect(pid).toBe(process.pid & 0xffff);
      expect(uniqKeyTimeMs(msgId, Date.now())).toBe(time);
    },
  );

  it.each(['4.9.8', '5.4.0'])('of an address of IPv6 are read by the official client %s', async (version) => {
    const ip = Buffer.from('20010db8000000000000ff00004283ab', 'hex');
    const nowMs = Date.now();
    const id = new UniqKeyGenerator({ ip, pid: 0x1_8765, processHash: -1, now: () => nowMs }).next();
    expect(id).toHaveLength(56);
    const parts = await labs.get(version)!.ask<Parts>('lookup.readId', { id });
    expect({ ...parts, ip: parts.ip.toLowerCase() }).toEqual({
      time: nowMs,
      ip: '2001:0db8:0000:0000:0000:ff00:0042:83ab',
      pid: 0x8765,
    });
    expect(uniqKeyTimeMs(id, nowMs)).toBe(nowMs);
  });

  it.each(['4.9.8', '5.4.0'])('of the official client %s are read by ours', async (version) => {
    const lab = labs.get(version)!;
    const before = Date.now();
    const id = await lab.ask<string>('lookup.makeId');
    const time = uniqKeyTimeMs(id, Date.now())!;
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(Date.now());
    expect((await lab.ask<Parts>('lookup.readId', { id })).time).toBe(time);
  });
});
