import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Metadata, openMetadata } from './index.js';

let storePath: string;
const opened: Metadata[] = [];

beforeEach(() => {
  storePath = mkdtempSync(join(tmpdir(), 'rocknest-renumbered-'));
});

afterEach(async () => {
  for (const metadata of opened.splice(0)) await metadata.close();
  rmSync(storePath, { recursive: true, force: true });
});

async function open(brokerKey: string): Promise<Metadata> {
  const silent = { log: () => undefined, warn: () => undefined, error: () => undefined };
  const metadata = await openMetadata({ storePath, brokerKey, logger: silent });
  opened.push(metadata);
  return metadata;
}

async function fill(brokerKey: string): Promise<void> {
  const metadata = await open(brokerKey);
  await metadata.topics.put({
    topicName: 'Orders',
    readQueueNums: 3,
    writeQueueNums: 3,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
  });
  await metadata.groups.autoCreate('GID_orders');
  metadata.offsets.commit('GID_orders', 'Orders', 1, 42);
  await metadata.close();
}

describe('a broker with another brokerId than before', () => {
  it('goes on with what it had, as often as that changes', async () => {
    await fill('c/b/1');
    for (const brokerKey of ['c/b/0', 'c/b/2']) {
      const metadata = await open(brokerKey);
      expect(metadata.topics.get('Orders')?.readQueueNums).toBe(3);
      expect(metadata.groups.get('GID_orders')).toBeDefined();
      expect(metadata.offsets.query('GID_orders', 'Orders', 1)).toBe(42);
      await metadata.close();
    }
  });

  it('takes nothing of brokers with other names', async () => {
    await fill('c/b/1');
    expect((await open('c/other/0')).topics.get('Orders')).toBeUndefined();
    expect((await open('d/b/0')).topics.get('Orders')).toBeUndefined();
  });
});
