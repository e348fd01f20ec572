import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Producer, silentLogger } from '@rocknest/client-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawConnection } from '../support/raw-remoting.js';
import { maxOffset, readQueue } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { OfficialBroker, type OfficialNamesrv, startOfficialNamesrv } from './support/official-broker.js';
import { requireToolchain } from './support/toolchain.js';

const MESSAGES = 400;
const SPREAD_MS = 8_000;
const WAIT_MS = 90_000;
const TOPIC = 'timer-slaves';
const TIMER_TOPIC = 'rmq_sys_wheel_timer';
const UPDATE_AND_CREATE_TOPIC = 17;
const GET_TIMER_CHECK_POINT = 60;
const IDENTITY = { brokerClusterName: 'DefaultCluster', brokerName: 'broker-a' };
const MASTER = { brokerId: 0, brokerRole: 'ASYNC_MASTER' };
const SLAVE = { brokerId: 1, brokerRole: 'SLAVE' };
/** What the Java broker counts in. */
const JAVA_PRECISION_MS = 1_000;

let folder: string;
let namesrv: OfficialNamesrv;
const cleanUps: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  requireToolchain();
  folder = mkdtempSync(join(tmpdir(), 'rocknest-timer-slaves-'));
  namesrv = await startOfficialNamesrv(folder);
});

afterEach(async () => {
  for (let clean = cleanUps.pop(); clean !== undefined; clean = cleanUps.pop()) await clean();
  await namesrv.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function at<T>(address: string, work: (connection: RawConnection) => Promise<T>): Promise<T> {
  const connection = await RawConnection.open(address);
  try {
    return await work(connection);
  } finally {
    connection.close();
  }
}

const countAt = (address: string, topic = TOPIC): Promise<number> =>
  at(address, (connection) => maxOffset(connection, topic, 0));

const createTopic = (address: string): Promise<unknown> =>
  at(address, (connection) =>
    connection.call(UPDATE_AND_CREATE_TOPIC, {
      topic: TOPIC,
      defaultTopic: 'TBW102',
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
    }),
  );

const readTimeAt = (address: string): Promise<number> =>
  at(address, async (connection) => Number((await connection.call(GET_TIMER_CHECK_POINT, {})).body.readBigInt64BE(0)));

function officialBroker(name: string): OfficialBroker {
  const broker = new OfficialBroker(join(folder, name), join(folder, `${name}-store`), namesrv.address, IDENTITY);
  cleanUps.push(() => broker.stop());
  return broker;
}

/** Sends them, and waits until the slave has them. @returns their times. */
async function sendAll(masterAddr: string, slaveAddr: string): Promise<Map<string, number>> {
  const producer = new Producer({
    namesrvAddr: namesrv.address,
    group: 'PID_timer_slaves',
    logger: silentLogger,
    sendMsgTimeoutMs: 30_000,
  });
  await producer.start();
  const times = new Map<string, number>();
  const startMs = Date.now() + 2_000;
  for (let i = 0; i < MESSAGES; i++) {
    const deliverTimeMs = startMs + Math.floor((i * SPREAD_MS) / MESSAGES);
    await producer.send({ topic: TOPIC, body: String(i), deliverTimeMs });
    times.set(String(i), deliverTimeMs);
  }
  await producer.shutdown();
  expect(await countAt(masterAddr, TIMER_TOPIC)).toBe(MESSAGES);
  await waitFor(async () => (await countAt(slaveAddr, TIMER_TOPIC)) === MESSAGES, 'the slave to have them', WAIT_MS);
  return times;
}

describe('timer messages of a master and a slave of different kinds (item 3: delay)', () => {
  it('our slave of the official master 5.4.0 delivers, once it is master, each one that the other did not', async () => {
    const java = officialBroker('java');
    await java.start(MASTER);
    await createTopic(java.address);
    const ours = await BrokerProcess.create({
      namesrvAddr: namesrv.address,
      config: { ...IDENTITY, slaveSynchronizeInterval: 500 },
    });
    cleanUps.push(() => ours.remove());
    await ours.start(SLAVE);
    const times = await sendAll(java.address, ours.brokerAddr);
    await waitFor(async () => (await countAt(ours.brokerAddr)) > MESSAGES / 4, 'a quarter of them', WAIT_MS);
    await java.kill9();
    await ours.stop();
    await ours.start(MASTER);
    await createTopic(ours.brokerAddr);
    await waitFor(async () => (await countAt(ours.brokerAddr)) >= MESSAGES, 'the others', WAIT_MS);
    const records = await at(ours.brokerAddr, (connection) => readQueue(connection, TOPIC, 0));
    expect(records.map(({ body }) => body.toString()).sort()).toEqual([...times.keys()].sort());
    for (const { body, storeTimestamp } of records) {
      const dueMs = times.get(body.toString()) ?? 0;
      expect(storeTimestamp, body.toString()).toBeGreaterThanOrEqual(dueMs - JAVA_PRECISION_MS);
    }
  });

  it('an official slave 5.4.0 asks our master how far it is, and delivers the rest once it is master', async () => {
    const ours = await BrokerProcess.create({ namesrvAddr: namesrv.address, config: IDENTITY });
    cleanUps.push(() => ours.remove());
    await ours.start(MASTER);
    await createTopic(ours.brokerAddr);
    const java = officialBroker('java');
    await java.start(SLAVE);
    const times = await sendAll(ours.brokerAddr, java.address);
    const beganMs = Date.now();
    await waitFor(
      async () => (await readTimeAt(java.address)) >= beganMs - JAVA_PRECISION_MS,
      'its checkpoint',
      WAIT_MS,
    );
    await waitFor(async () => (await countAt(java.address)) > MESSAGES / 4, 'a quarter of them', WAIT_MS);
    await ours.kill9();
    await java.stop();
    await java.start(MASTER);
    await createTopic(java.address);
    const bodies = async (): Promise<Set<string>> =>
      new Set(
        (await at(java.address, (connection) => readQueue(connection, TOPIC, 0))).map(({ body }) => String(body)),
      );
    await waitFor(async () => (await bodies()).size === MESSAGES, 'all of them', WAIT_MS);
    expect([...(await bodies())].sort()).toEqual([...times.keys()].sort());
  });
});
