import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess, NamesrvProcess } from '../support/rocknest-process.js';
import { type HarnessProcess, JavaClient } from './support/java-client.js';
import { requireToolchain } from './support/toolchain.js';

const GROUPS = ['group-a', 'group-b'];
/** Acknowledged sends between two steps: all senders have met what the step did. */
const STEP = 150;

const namesrvs: NamesrvProcess[] = [];
const brokers: BrokerProcess[] = [];
let namesrvAddr: string;
let client: JavaClient | undefined;

/** Two namesrvs, and two groups of a SYNC_MASTER and its slave: each a process. */
beforeAll(async () => {
  requireToolchain();
  for (let i = 0; i < 2; i++) namesrvs.push(await NamesrvProcess.create());
  namesrvAddr = namesrvs.map(({ address }) => address).join(';');
  for (const brokerName of GROUPS) {
    for (const brokerId of [0, 1]) {
      const config = {
        brokerName,
        brokerId,
        brokerRole: brokerId === 0 ? 'SYNC_MASTER' : 'SLAVE',
        enableAutoInSyncReplicas: true,
        vipChannelEnable: false,
        slaveSynchronizeInterval: 500,
        mappedFileSizeCommitLog: 16 * 1024 * 1024,
      };
      brokers.push(await BrokerProcess.create({ namesrvAddr, config }));
    }
  }
  for (const namesrv of namesrvs) await namesrv.start();
  for (const broker of brokers) await broker.start();
});

afterEach(async () => {
  await client?.stop();
});

afterAll(async () => {
  for (const broker of brokers) await broker.remove();
  for (const namesrv of namesrvs) await namesrv.remove();
});

/** What failed is in the message itself, which a report keeps whole. */
function expectNone(errors: unknown): void {
  expect(errors, JSON.stringify(errors)).toEqual([]);
}

/** Waits until so many more sends were acknowledged; fails at the first that was not. */
async function more(run: HarnessProcess, count: number): Promise<void> {
  const acknowledged = (): number =>
    Number(run.events.findLast(({ event }) => event === 'progress')?.acknowledged ?? 0);
  const goal = acknowledged() + count;
  const reached = await run.waitFor(
    ({ event, acknowledged: now, failed }) => event === 'progress' && (Number(now) >= goal || Number(failed) > 0),
    'progress',
    run.events.length,
  );
  expectNone(reached.errors);
}

describe.each(['5.4.0', '4.9.8'])('the official Java client %s', (version) => {
  it('sends, waiting for answers and not, and consumes through a restart of every member in turn: no error, nothing lost', async () => {
    client = new JavaClient(version, namesrvAddr);
    const name = version.replaceAll('.', '_');
    const topic = `rolling-${name}`;
    await client.run('create-topic', { topic, queues: 2 });
    const run = client.start('long-run', { topic, group: `GID_rolling_${name}`, seed: 'rolling' });
    await more(run, STEP);
    for (const namesrv of namesrvs) {
      await namesrv.stop();
      await more(run, STEP);
      await namesrv.start();
      await more(run, STEP);
    }
    // Slaves before their masters.
    for (const member of [1, 0, 3, 2]) {
      await brokers[member].stop();
      await more(run, STEP);
      await brokers[member].start();
      await more(run, STEP);
    }
    const result = await run.finish();
    // One by one: a failure says which of them it was.
    expectNone(result.errors);
    expect(result.missing).toBe(0);
    expect(result).toMatchObject({ failed: 0, foreign: 0 });
    expect(result.acknowledged).toBeGreaterThan(11 * STEP);
  });
});
