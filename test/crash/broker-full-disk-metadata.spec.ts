import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawConnection, type RawResponse } from '../support/raw-remoting.js';
import { createTopic, pull, queryConsumerOffset, sendMessage, updateConsumerOffset } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { SmallDisk } from '../support/small-disk.js';
import { waitFor } from '../support/wait-for.js';
import { verifyStoreFolder } from './support/verify-store.js';

const MIB = 1024 * 1024;
const DISK_BYTES = 24 * MIB;
const WAIT_MS = 120_000;
const TOPIC = 'metadata';
const GROUP = 'GID_metadata';
const QUEUE = { topic: TOPIC, queueId: 0 };
const UPDATE_GROUP = 200;
const TRIES = 100;

describe.skipIf(!SmallDisk.isPossible)('the database on a disk that is full', () => {
  let broker: BrokerProcess;
  let disk: SmallDisk;
  let lines: string[];
  let storePath: string;
  const connections: RawConnection[] = [];

  beforeEach(async () => {
    lines = [];
    disk = SmallDisk.mount(DISK_BYTES);
    storePath = join(disk.path, 'store');
    broker = await BrokerProcess.create({
      config: {
        storePathRootDir: storePath,
        mappedFileSizeCommitLog: MIB,
        flushConsumerOffsetInterval: 200,
        diskMaxUsedSpaceRatio: 100,
        diskSpaceCleanForciblyRatio: 100,
        diskSpaceWarningLevelRatio: 100,
      },
    });
  });

  afterEach(async ({ task }) => {
    for (const connection of connections.splice(0)) connection.close();
    if (task.result?.state === 'fail') console.log(lines.slice(-60).join('\n'));
    await broker?.remove();
    disk?.unmount();
  });

  async function start(): Promise<RawConnection> {
    await broker.start();
    broker.process.onLine((line) => lines.push(line));
    return connect();
  }

  async function connect(): Promise<RawConnection> {
    const connection = await RawConnection.open(broker.brokerAddr);
    connections.push(connection);
    return connection;
  }

  /** A topic with messages, and a group that consumed some. */
  async function prepare(): Promise<RawConnection> {
    const connection = await start();
    await createTopic(connection, TOPIC, 1);
    await createGroup(connection, GROUP);
    for (let i = 0; i < 20; i++) await send(connection);
    await updateConsumerOffset(connection, GROUP, QUEUE, 3);
    await waitFor(() => storedOffset() === 3, 'the offset in the database', WAIT_MS);
    // The group of the raw pulls is known from now on.
    expect((await pull(connection, TOPIC, 0, 0)).code).toBe(0);
    return connection;
  }

  /** What the database has, whatever the broker holds in memory. */
  function storedOffset(): number | undefined {
    const database = new Database(join(storePath, 'metadata.db'), { readonly: true });
    try {
      const query = `SELECT queue_offset AS "offset" FROM rocknest_consumer_offset WHERE group_name = '${GROUP}'`;
      return (database.prepare(query).get() as { offset: number } | undefined)?.offset;
    } finally {
      database.close();
    }
  }

  const send = (connection: RawConnection): Promise<RawResponse> =>
    sendMessage(connection, TOPIC, 0, Buffer.from('message'));

  const createGroup = (connection: RawConnection, groupName: string): Promise<RawResponse> =>
    connection.request(UPDATE_GROUP, {}, Buffer.from(JSON.stringify({ groupName, consumeEnable: true })));

  const tryTopic = (connection: RawConnection, topic: string): Promise<RawResponse> =>
    connection.request(17, {
      topic,
      defaultTopic: 'TBW102',
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
    });

  /** Whatever the database had room for is used up. @returns how many topics that took. */
  async function useUp(connection: RawConnection): Promise<number> {
    for (let i = 0; ; i++) {
      const response = await tryTopic(connection, `filling-${i}`);
      if (response.code !== 0) return i;
    }
  }

  const told = (pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length;

  it('refuses topics and groups with the reason, keeps offsets in memory, tells it once, and writes them when there is space', async () => {
    const connection = await prepare();
    disk.takeAllSpace();
    const created = await useUp(connection);
    for (let i = 0; i < TRIES; i++) {
      const topic = await tryTopic(connection, `refused-${i}`);
      expect(topic.code).not.toBe(0);
      expect(topic.remark).toMatch(/full/);
      const group = await createGroup(connection, `GID_refused_${i}`);
      expect(group.code).not.toBe(0);
      expect(group.remark).toMatch(/full/);
    }
    await updateConsumerOffset(connection, GROUP, QUEUE, 11);
    expect(await queryConsumerOffset(connection, GROUP, QUEUE)).toBe(11);
    expect((await pull(connection, TOPIC, 0, 0)).code).toBe(0);
    // A topic that is created by the first message to it needs the database too.
    const auto = await sendMessage(connection, 'created-by-sending', 0, Buffer.from('message'));
    expect(auto.code).not.toBe(0);
    expect(auto.remark).toMatch(/full/);
    expect(told(/metadata database.*cannot be written/)).toBe(1);
    expect(lines.length).toBeLessThan(40);

    disk.giveSpaceBack();
    await waitFor(async () => (await tryTopic(connection, 'later')).code === 0, 'a topic', WAIT_MS);
    await waitFor(() => told(/can be written again/) > 0, 'a line about the end', WAIT_MS);
    await waitFor(() => storedOffset() === 11, 'the offset in the database', WAIT_MS);
    await broker.kill9();

    const again = await start();
    expect(await queryConsumerOffset(again, GROUP, QUEUE)).toBe(11);
    expect((await pull(again, TOPIC, 0, 19)).code).toBe(0);
    for (let i = 0; i < created; i++) expect((await pull(again, `filling-${i}`, 0, 0)).code).not.toBe(17);
    expect((await send(again)).code).toBe(0);
    await broker.stop();
    expect(verifyStoreFolder(storePath)).toMatchObject({ code: 0 });
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'a broker that ended by %s starts on a full disk, serves readers, and takes everything when there is space',
    async (signal) => {
      const connection = await prepare();
      disk.takeAllSpace();
      await useUp(connection);
      await updateConsumerOffset(connection, GROUP, QUEUE, 7);
      await broker.process.kill(signal);
      // Whatever the stop gave back.
      disk.takeAllSpace();

      const again = await start();
      expect((await pull(again, TOPIC, 0, 0)).code).toBe(0);
      expect([3, 7]).toContain(await queryConsumerOffset(again, GROUP, QUEUE));
      await updateConsumerOffset(again, GROUP, QUEUE, 9);
      await broker.kill9();
      disk.takeAllSpace();

      const third = await start();
      expect((await pull(third, TOPIC, 0, 0)).code).toBe(0);
      await updateConsumerOffset(third, GROUP, QUEUE, 12);
      disk.giveSpaceBack();
      await waitFor(async () => (await tryTopic(third, 'later')).code === 0, 'a topic', WAIT_MS);
      await waitFor(async () => (await send(third)).code === 0, 'a send', WAIT_MS);
      await broker.stop();

      const last = await start();
      expect(await queryConsumerOffset(last, GROUP, QUEUE)).toBe(12);
      await broker.stop();
      expect(verifyStoreFolder(storePath)).toMatchObject({ code: 0 });
    },
  );

  it('a first start on a full disk is refused, says what is to be done, and succeeds when it was', async () => {
    disk.takeAllSpace();
    const error = await broker.start().then(
      () => undefined,
      (reason: unknown) => String(reason),
    );
    expect(error).toContain(storePath);
    expect(error).toMatch(/space|full/);
    disk.giveSpaceBack();
    const connection = await start();
    await createTopic(connection, TOPIC, 1);
    expect((await send(connection)).code).toBe(0);
  });
});
