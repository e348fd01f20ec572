import { Producer, silentLogger } from '@rocknest/client-core';
import { afterEach, describe, expect, it } from 'vitest';
import { RawConnection } from '../support/raw-remoting.js';
import { maxOffset, readQueue } from '../support/raw-requests.js';
import { BrokerProcess, type RocknestCluster, startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';

const MESSAGES = 3_000;
/** Times are spread over it: the master is killed within. */
const GET_TOPIC_CONFIG = 351;
const UPDATE_AND_CREATE_TOPIC = 17;
const SPREAD_MS = 6_000;
const TOPIC = 'timer-promotion';
const SHARED = { brokerClusterName: 'DefaultCluster', brokerName: 'broker-a', slaveSynchronizeInterval: 1_000 };

let cluster: RocknestCluster | undefined;
let slave: BrokerProcess | undefined;

afterEach(async () => {
  await slave?.remove();
  await cluster?.stop();
});

describe('a slave that becomes master after its master was killed', () => {
  it('delivers each timer message that was acknowledged, once, none too early, and none that was recalled', async () => {
    cluster = await startRocknestCluster({ ...SHARED, brokerId: 0, brokerRole: 'SYNC_MASTER', slaveTimeout: 30_000 });
    const { namesrvAddr, broker: master } = cluster;
    slave = await BrokerProcess.create({ namesrvAddr, config: SHARED });
    await slave.start({ brokerId: 1, brokerRole: 'SLAVE' });
    await createTopic(master.brokerAddr);
    const follower = slave;
    await waitFor(() => knowsTopic(follower.brokerAddr), 'the slave to know the topic', 60_000);
    const producer = new Producer({
      namesrvAddr,
      group: 'PID_timer_promotion',
      logger: silentLogger,
      retryTimesWhenSendFailed: 0,
      sendMsgTimeoutMs: 30_000,
    });
    await producer.start();
    const times = new Map<string, number>();
    const recalled: string[] = [];
    // Without a slave in sync a SYNC_MASTER refuses.
    await waitFor(
      () =>
        producer.send({ topic: 'timer-promotion-sync', body: 'x' }).then(
          ({ status }) => status === 'SEND_OK',
          () => false,
        ),
      'the slave to be in sync',
      60_000,
    );
    const startMs = Date.now() + 1_500;
    await Promise.all(
      Array.from({ length: MESSAGES }, async (_, i) => {
        const deliverTimeMs = startMs + Math.floor((i * SPREAD_MS) / MESSAGES);
        const far = i % 50 === 0 ? deliverTimeMs + 2 * SPREAD_MS : deliverTimeMs;
        const { status, recallHandle } = await producer.send({ topic: TOPIC, body: String(i), deliverTimeMs: far });
        expect(status).toBe('SEND_OK');
        times.set(String(i), far);
        if (far === deliverTimeMs) return;
        await producer.recallMessage(TOPIC, recallHandle ?? '');
        recalled.push(String(i));
      }),
    );
    await waitFor(
      async () => (await countAt(master.brokerAddr)) > MESSAGES / 3,
      'a third of them to be delivered',
      60_000,
    );
    await master.kill9();
    await producer.shutdown({ timeoutMs: 0 });
    await slave.stop();
    await slave.start({ brokerId: 0, brokerRole: 'ASYNC_MASTER' });
    const before = await countAt(slave.brokerAddr);
    await createTopic(slave.brokerAddr);

    const wanted = [...times.keys()].filter((body) => !recalled.includes(body)).sort();
    const promoted = slave;
    await waitFor(async () => (await countAt(promoted.brokerAddr)) >= wanted.length, 'the others', 90_000);
    const connection = await RawConnection.open(promoted.brokerAddr);
    const records = await readQueue(connection, TOPIC, 0);
    connection.close();
    console.log(`${before} of ${wanted.length} timer messages were delivered by the master, or at once by the slave`);
    for (const { body, storeTimestamp } of records) {
      expect(storeTimestamp, body.toString()).toBeGreaterThanOrEqual(times.get(body.toString()) ?? 0);
    }
    expect(records.map(({ body }) => body.toString()).sort()).toEqual(wanted);
  });
});

async function createTopic(address: string): Promise<void> {
  const connection = await RawConnection.open(address);
  const fields = { topic: TOPIC, defaultTopic: 'TBW102', readQueueNums: 1, writeQueueNums: 1, perm: 6, order: false };
  await connection.call(UPDATE_AND_CREATE_TOPIC, { ...fields, topicFilterType: 'SINGLE_TAG', topicSysFlag: 0 });
  connection.close();
}

async function knowsTopic(address: string): Promise<boolean> {
  const connection = await RawConnection.open(address);
  try {
    const { code } = await connection.request(GET_TOPIC_CONFIG, { topic: TOPIC });
    return code === 0;
  } finally {
    connection.close();
  }
}

async function countAt(address: string): Promise<number> {
  const connection = await RawConnection.open(address);
  try {
    return await maxOffset(connection, TOPIC, 0);
  } finally {
    connection.close();
  }
}
