import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../support/project-root.js';
import { JavaClient } from './support/java-client.js';
import { requireToolchain } from './support/toolchain.js';

const COMMITTED = join(projectRoot, 'libs/client-core/fixtures/allocate.jsonl');

/** The unit test of our strategies reads the committed shares; here the official client computes them anew. */
describe('rebalance (item 4): how the official client shares queues out', () => {
  it.each(['4.9.8', '5.4.0'])('%s gives the shares that are committed', async (version) => {
    requireToolchain();
    const committed = readFileSync(COMMITTED, 'utf8').trim().split('\n');
    const client = new JavaClient(version, '127.0.0.1:9876');
    const made = client.start('allocate', { cases: committed.length });
    try {
      await made.result();
    } finally {
      await client.stop();
    }
    expect(made.events.filter(({ event }) => event === 'case')).toEqual(committed.map((line) => JSON.parse(line)));
  });
});
