import { MQAdmin, Producer, silentLogger } from '@rocknest/client-core';
import { decodeKVTable, RequestCode } from '@rocknest/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import { RawConnection } from '../support/raw-remoting.js';
import { maxOffset, queryConsumerOffset } from '../support/raw-requests.js';
import { waitFor } from '../support/wait-for.js';
import { type BrokerPair, startOfficialPair, startOurPair } from './support/broker-pair.js';
import { Lab } from './support/lab.js';
import { javaReader, nestReader, ourReader, type Reader } from './support/slave-readers.js';
import { requireToolchain } from './support/toolchain.js';

const TOPIC = 'read-from-slave';
const QUEUES = 4;
const BACKLOG = 1_000;
/** What nobody has read when the master dies. */
const UNREAD = 600;
const AFTERWARDS = 400;
/** A group's first pull of each queue goes to the master. */
const FIRST_PULL_MESSAGES = 32;
const WAIT_MS = 120_000;

beforeAll(() => {
  requireToolchain();
});

async function withConnection<T>(address: string, work: (connection: RawConnection) => Promise<T>): Promise<T> {
  const connection = await RawConnection.open(address);
  try {
    return await work(connection);
  } finally {
    connection.close();
  }
}

async function ofEachQueue(address: string, ask: (connection: RawConnection, id: number) => Promise<number>) {
  return withConnection(address, async (connection) => {
    const values: number[] = [];
    for (let queueId = 0; queueId < QUEUES; queueId++) values.push(await ask(connection, queueId));
    return values;
  });
}

const ends = (address: string): Promise<number[]> =>
  ofEachQueue(address, (connection, queueId) => maxOffset(connection, TOPIC, queueId));
const commits = (address: string, group: string): Promise<number[]> =>
  ofEachQueue(address, (connection, queueId) => queryConsumerOffset(connection, group, { topic: TOPIC, queueId }));

/** How many messages consumers got from the broker since its start. */
async function given(address: string): Promise<number> {
  const answer = await withConnection(address, (connection) =>
    connection.call(RequestCode.GET_BROKER_RUNTIME_INFO, {}),
  );
  return Number(decodeKVTable(answer.body).table.msgGetTotalTodayNow);
}

/** Read from a slave, which is followed until its master is killed and comes back. */
async function readFromSlave(pair: BrokerPair, join: () => Promise<Reader[]>): Promise<void> {
  const { namesrvAddr, master, slave } = pair;
  const client = { namesrvAddr, logger: silentLogger, pollNameServerIntervalMs: 1_000 };
  const admin = new MQAdmin(client);
  const producer = new Producer({ ...client, group: 'PID_slave', sendMsgTimeoutMs: 30_000 });
  let readers: Reader[] = [];
  let sent = 0;
  const send = async (count: number): Promise<void> => {
    const numbers = Array.from({ length: count }, () => sent++);
    await Promise.all(numbers.map((n) => producer.send({ topic: TOPIC, body: String(n) })));
  };
  const replicated = (): Promise<unknown> =>
    waitFor(
      async () => String(await ends(slave.address).catch(() => '')) === String(await ends(master.address)),
      'the slave to have every message',
      WAIT_MS,
    );
  /** Every group got every message once, and the broker has the commits. */
  const expectAllRead = async (broker: () => string): Promise<void> => {
    await Promise.all(
      readers.map(async ({ group, bodies }) => {
        await waitFor(() => new Set(bodies()).size >= sent, `${group} to have ${sent} messages`, WAIT_MS);
        expect(bodies(), `${group}: deliveries`).toHaveLength(sent);
        const upTo = String(await ends(broker()));
        const committed = async (): Promise<boolean> => String(await commits(broker(), group).catch(() => '')) === upTo;
        await waitFor(committed, `${group} to commit ${upTo} at ${broker()}`, WAIT_MS);
      }),
    );
  };
  try {
    await Promise.all([admin.start(), producer.start()]);
    await admin.createTopic(TOPIC, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
    await slave.start();
    await send(BACKLOG);
    await replicated();

    readers = await join();
    await expectAllRead(() => master.address);
    const fromMaster = await given(master.address);
    expect(fromMaster).toBeGreaterThan(0);
    expect(fromMaster).toBeLessThanOrEqual(FIRST_PULL_MESSAGES * QUEUES * readers.length);
    expect(fromMaster + (await given(slave.address))).toBe(BACKLOG * readers.length);

    await Promise.all(readers.map((reader) => reader.pause()));
    await send(UNREAD);
    await replicated();
    await master.kill9();
    await Promise.all(readers.map((reader) => reader.resume()));
    await expectAllRead(() => slave.address);

    await master.start();
    // Also what was committed at the slave, with nothing new to commit.
    await expectAllRead(() => master.address);
    await waitFor(async () => {
      const queues = await producer.fetchPublishMessageQueues(TOPIC).catch(() => []);
      return queues.length === QUEUES;
    }, 'the route to have the master again');
    await send(AFTERWARDS);
    await expectAllRead(() => master.address);
  } finally {
    await Promise.all(readers.map((reader) => reader.close()));
    await Promise.all([producer.shutdown(), admin.shutdown()]);
  }
}

describe('reading from slaves (item 10): a suggested broker is followed, also while its master is killed and comes back', () => {
  it.concurrent('by the official Java client 4.9.8 and 5.4.0, and by ours, on our master and slave', async () => {
    const pair = await startOurPair();
    const labs: Lab[] = [];
    try {
      labs.push(...(await Promise.all(['4.9.8', '5.4.0'].map((version) => Lab.start(version, pair.namesrvAddr)))));
      await readFromSlave(pair, () =>
        Promise.all([...labs.map((lab) => javaReader(lab, TOPIC)), ourReader(pair.namesrvAddr, TOPIC)]),
      );
    } finally {
      await Promise.all(labs.map((lab) => lab.stop()));
      await pair.stop();
    }
  });

  it.concurrent('by our client and a Nest handler on the official master and slave 5.4.0', async () => {
    const pair = await startOfficialPair();
    try {
      await readFromSlave(pair, () =>
        Promise.all([ourReader(pair.namesrvAddr, TOPIC), nestReader(pair.namesrvAddr, TOPIC)]),
      );
    } finally {
      await pair.stop();
    }
  });
});
