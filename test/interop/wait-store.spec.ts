import { MQAdmin, Producer, silentLogger } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { Lab } from './support/lab.js';
import { startOfficialCluster } from './support/official-cluster.js';
import { requireToolchain } from './support/toolchain.js';

/** A master that has to wait for a slave, and has none: who waits is told so, and who does not is answered at once. */
const BROKER = { brokerRole: 'SYNC_MASTER', inSyncReplicas: 2 };
const COUNT = 3;
const TOPIC = 'wait-store';

interface Told {
  stored: string[];
  errors: string[];
  statuses: Record<string, number>;
}

describe.each([
  // Stored, and told that no slave has it.
  { name: 'our broker', start: () => startRocknestCluster(BROKER), waiting: { SLAVE_NOT_AVAILABLE: COUNT } },
  // Stored, and answered when its time for slaves is over.
  {
    name: 'the official broker',
    start: () => startOfficialCluster({ brokerConfig: { ...BROKER, slaveTimeout: 200 } }),
    waiting: { FLUSH_SLAVE_TIMEOUT: COUNT },
  },
])('waitStoreMsgOK on $name (item 1: sending)', ({ start, waiting }) => {
  let cluster: { namesrvAddr: string; stop(): Promise<void> };
  let lab: Lab;
  let admin: MQAdmin;

  beforeAll(async () => {
    requireToolchain();
    cluster = await start();
    const { namesrvAddr } = cluster;
    admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
    await admin.start();
    await admin.createTopic(TOPIC, { readQueueNums: 1, writeQueueNums: 1 });
    lab = await Lab.start('5.4.0', namesrvAddr);
  });

  afterAll(async () => {
    await lab?.stop();
    await admin?.shutdown();
    await cluster?.stop();
  });

  it('of the official client: false is answered without waiting, true is not', async () => {
    await lab.ask('send.start', { name: 'java', 'timeout-ms': 60_000 });
    const send = (wait: boolean): Promise<Told> =>
      lab.ask<Told>('send.many', { name: 'java', topic: TOPIC, body: `java-${String(wait)}`, count: COUNT, wait });
    expect(await send(false)).toMatchObject({ errors: [], statuses: { SEND_OK: COUNT } });
    expect((await send(true)).statuses).toEqual(waiting);
  });

  it('of ours: false is answered without waiting, true is not, and false stays with the message', async () => {
    const producer = new Producer({
      namesrvAddr: cluster.namesrvAddr,
      group: 'PID_wait',
      retryTimesWhenSendFailed: 0,
      sendMsgTimeoutMs: 30_000,
      logger: silentLogger,
    });
    await producer.start();
    const statuses: Record<string, number> = {};
    for (let n = 0; n < COUNT; n++) {
      const { status } = await producer.send({ topic: TOPIC, body: `ours-${n}` }).catch(() => ({ status: undefined }));
      if (status !== undefined) statuses[status] = (statuses[status] ?? 0) + 1;
    }
    expect(statuses).toEqual(waiting);
    const sent = await producer.send({ topic: TOPIC, body: 'ours', waitStoreOk: false });
    expect(sent.status).toBe('SEND_OK');
    const batch = [0, 1].map((n) => ({ topic: TOPIC, body: `ours-${n}`, waitStoreOk: false }));
    expect((await producer.send(batch)).status).toBe('SEND_OK');
    await producer.shutdown();
    const stored = await waitFor(() => admin.viewMessage(TOPIC, sent.offsetMsgId ?? ''), 'the message', 60_000);
    expect(stored.properties['WAIT']).toBe('false');
  });
});
