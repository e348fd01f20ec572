import { ResponseCode } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { type Faults, FaultyProxy } from '../support/faulty-proxy.js';
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
