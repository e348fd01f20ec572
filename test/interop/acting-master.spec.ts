import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, Producer, PushConsumer, silentLogger } from '@rocknest/client-core';
import { createNamesrv } from '@rocknest/namesrv';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RawConnection } from '../support/raw-remoting.js';
import { maxOffset, queryConsumerOffset } from '../support/raw-requests.js';
import { BrokerProcess, type ConfigValues } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { Lab } from './support/lab.js';
import { OfficialBroker, startOfficialNamesrv } from './support/official-broker.js';
import { requireToolchain } from './support/toolchain.js';

const TOPIC = 'acting-master';
const QUEUES = 4;
/** In each queue, each time that something is sent. */
const ROUND = 50;
const WAIT_MS = 120_000;
const NAMESRV = { supportActingMaster: true, notifyMinBrokerIdChanged: true };
const GROUP = {
  brokerClusterName: 'DefaultCluster',
  brokerName: 'broker-a',
  slaveReadEnable: true,
  enableSlaveActingMaster: true,
};
const MASTER = { ...GROUP, brokerId: 0, brokerRole: 'ASYNC_MASTER' };
const SLAVE = { ...GROUP, brokerId: 1, brokerRole: 'SLAVE' };
/** A busy machine must not make it refuse sends. */
const JAVA_ONLY = { waitTimeMillsInSendQueue: 30_000 };

const cleanUps: (() => unknown)[] = [];

beforeAll(() => {
  requireToolchain();
});

afterEach(async () => {
  for (let clean = cleanUps.pop(); clean !== undefined; clean = cleanUps.pop()) await clean();
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rocknest-acting-'));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function ourBroker(namesrvAddr: string, config: ConfigValues): Promise<BrokerProcess> {
  const broker = await BrokerProcess.create({ namesrvAddr, config: { ...config, slaveSynchronizeInterval: 500 } });
  cleanUps.push(() => broker.remove());
  return broker;
}

async function ofEachQueue(address: string, ask: (connection: RawConnection, queueId: number) => Promise<number>) {
  const connection = await RawConnection.open(address);
  try {
    const values: number[] = [];
    for (let queueId = 0; queueId < QUEUES; queueId++) values.push(await ask(connection, queueId));
    return values;
  } finally {
    connection.close();
  }
}

const all = (value: number): number[] => Array.from({ length: QUEUES }, () => value);

async function has(address: string, end: number): Promise<void> {
  const ends = () => ofEachQueue(address, (connection, queueId) => maxOffset(connection, TOPIC, queueId));
  const isThere = async (): Promise<boolean> => String(await ends().catch(() => '')) === String(all(end));
  await waitFor(isThere, `${address} to have ${end} messages in each queue`, WAIT_MS);
}

function commits(address: string, group: string): Promise<number[]> {
  return ofEachQueue(address, (connection, queueId) =>
    queryConsumerOffset(connection, group, { topic: TOPIC, queueId }),
  );
}

async function committed(address: string, group: string, end: number): Promise<void> {
  const isThere = async (): Promise<boolean> =>
    String(await commits(address, group).catch(() => '')) === String(all(end));
  await waitFor(isThere, `${group} to have committed ${end} at ${address}`, WAIT_MS);
}

/** Sends `queue:number` to each queue, in order. */
async function sender(namesrvAddr: string): Promise<(from: number) => Promise<void>> {
  const client = { namesrvAddr, logger: silentLogger, pollNameServerIntervalMs: 1_000 };
  const producer = new Producer({ ...client, group: 'PID_acting', sendMsgTimeoutMs: 30_000 });
  cleanUps.push(() => producer.shutdown());
  await producer.start();
  return async (from) => {
    // Queues that can be written, which those of a slave cannot.
    const queues = (): Promise<readonly unknown[]> => producer.fetchPublishMessageQueues(TOPIC).catch(() => []);
    await waitFor(async () => (await queues()).length === QUEUES, 'the route to have the master', WAIT_MS);
    const lane = async (queueId: number): Promise<void> => {
      const queue = { topic: TOPIC, brokerName: 'broker-a', queueId };
      for (let n = from; n < from + ROUND; n++)
        await producer.send({ topic: TOPIC, body: `${queueId}:${n}` }, { queue });
    };
    await Promise.all(Array.from({ length: QUEUES }, (_, queueId) => lane(queueId)));
  };
}

async function createTopic(namesrvAddr: string): Promise<void> {
  const admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  cleanUps.push(() => admin.shutdown());
  await admin.start();
  await admin.createTopic(TOPIC, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
}

/** Each queue's numbers came once and in order. */
function expectOrder(bodies: readonly string[], from: number, to: number): void {
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    const own = bodies.filter((body) => body.startsWith(`${queueId}:`));
    expect(own).toEqual(Array.from({ length: to - from }, (_, i) => `${queueId}:${from + i}`));
  }
}

describe('a slave that stands in for its master (enableSlaveActingMaster)', () => {
  it.each(['our namesrv', 'the official namesrv 5.4.0'])(
    'lets orderly Java consumers 4.9.8 and 5.4.0 lock, read and commit while our master is gone, with %s',
    async (namesrv) => {
      const folder = temporaryFolder();
      const { address: namesrvAddr, close } = namesrv.startsWith('our')
        ? await createNamesrv({ listenPort: 0, storePath: join(folder, 'namesrv'), ...NAMESRV })
        : await startOfficialNamesrv(folder, NAMESRV).then(({ address, stop }) => ({ address, close: stop }));
      cleanUps.push(close);
      const [master, slave] = [await ourBroker(namesrvAddr, MASTER), await ourBroker(namesrvAddr, SLAVE)];
      await master.start();
      await createTopic(namesrvAddr);
      await slave.start();
      const send = await sender(namesrvAddr);
      await send(0);
      const labs = await Promise.all(['4.9.8', '5.4.0'].map((version) => Lab.start(version, namesrvAddr)));
      for (const lab of labs) cleanUps.push(() => lab.stop());
      const read = async (name: string, from: number, to: number, broker: BrokerProcess): Promise<void> => {
        for (const lab of labs) {
          await lab.waitForBodies(name, QUEUES * (to - from));
          await committed(broker.brokerAddr, lab.name('GID_acting'), to);
          expectOrder(
            lab.begun(name).map(({ body }) => body),
            from,
            to,
          );
        }
      };
      const start = (name: string): Promise<unknown> =>
        Promise.all(
          labs.map((lab) =>
            lab.ask('push.start', { name, group: lab.name('GID_acting'), topic: TOPIC, orderly: true }),
          ),
        );
      await start('before');
      await read('before', 0, ROUND, master);
      await Promise.all(labs.map((lab) => lab.ask('push.shutdown', { name: 'before' })));
      for (const lab of labs) await committed(slave.brokerAddr, lab.name('GID_acting'), ROUND);
      await send(ROUND);
      await has(slave.brokerAddr, 2 * ROUND);

      await master.kill9();
      // Without anybody at id 0 they would get no lock, and nothing.
      await start('during');
      await read('during', ROUND, 2 * ROUND, slave);

      await master.start();
      for (const lab of labs) expect(await commits(master.brokerAddr, lab.name('GID_acting'))).toEqual(all(2 * ROUND));
      await send(2 * ROUND);
      await read('during', ROUND, 3 * ROUND, master);
    },
  );

  it('lets our orderly consumer read on the official slave while the official master is gone', async () => {
    const folder = temporaryFolder();
    const { address: namesrvAddr, stop } = await startOfficialNamesrv(folder, NAMESRV);
    cleanUps.push(stop);
    const storeOf = (name: string): string => join(folder, name, 'store');
    const broker = (name: string, config: ConfigValues): OfficialBroker => {
      const made = new OfficialBroker(join(folder, name), storeOf(name), namesrvAddr, { ...config, ...JAVA_ONLY });
      cleanUps.push(() => made.stop());
      return made;
    };
    const [master, slave] = [broker('master', MASTER), broker('slave', SLAVE)];
    await master.start();
    await createTopic(namesrvAddr);
    // It asks its master for topics 60 s after its start.
    const topics = join('config', 'topics.json');
    cpSync(join(storeOf('master'), topics), join(storeOf('slave'), topics));
    await slave.start();
    await (
      await sender(namesrvAddr)
    )(0);
    await has(slave.address, ROUND);
    await master.kill9();

    const bodies: string[] = [];
    const consumer = new PushConsumer({
      namesrvAddr,
      group: 'GID_acting_ours',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      pollNameServerIntervalMs: 1_000,
      persistConsumerOffsetIntervalMs: 1_000,
      logger: silentLogger,
    });
    cleanUps.push(() => consumer.shutdown());
    consumer.subscribe(TOPIC);
    consumer.registerMessageListenerOrderly((messages) => {
      for (const { body } of messages) bodies.push(body.toString());
      return 'SUCCESS';
    });
    await consumer.start();
    await waitFor(() => new Set(bodies).size === QUEUES * ROUND, 'all messages', WAIT_MS);
    expectOrder(bodies, 0, ROUND);
    await committed(slave.address, 'GID_acting_ours', ROUND);
  });
});
