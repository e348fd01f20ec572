import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBroker, type RunningBroker } from '@rocknest/broker';
import { decodeTopicRouteData, encodeTopicConfigList, type TopicConfig } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawConnection } from '../support/raw-remoting.js';
import { createTopic, maxOffset, readQueue, sendMessage } from '../support/raw-requests.js';

const UPDATE_AND_CREATE_TOPIC_LIST = 18;
const GET_ROUTEINFO_BY_TOPIC = 105;
const DELETE_TOPIC_IN_BROKER = 215;
/** Above the number up to which all topics go out at each change. */
const TOPICS = 1_100;
const QUEUES = 2;
const MAX_OPEN_FILES = 8;
/** Beside the pool: lock, checkpoint, the queue table while it is written. */
const OTHER_FILES = 4;

const cleanups: (() => unknown)[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rocknest-many-topics-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(): Promise<{ broker: RunningBroker; connection: RawConnection }> {
  const broker = await createBroker({
    listenPort: 0,
    storePathRootDir: folder,
    mappedFileSizeCommitLog: 16 * 1024 * 1024,
    maxOpenFiles: MAX_OPEN_FILES,
    messageIndexEnable: false,
  });
  cleanups.push(() => broker.close());
  const connection = await RawConnection.open(broker.address);
  cleanups.push(() => connection.close());
  return { broker, connection };
}

const topicOf = (index: number): string => `many-${index}`;

function configOf(topicName: string): TopicConfig {
  return {
    topicName,
    readQueueNums: QUEUES,
    writeQueueNums: QUEUES,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
  };
}

async function createAll(connection: RawConnection): Promise<void> {
  const configs = Array.from({ length: TOPICS }, (_, index) => configOf(topicOf(index)));
  await connection.call(UPDATE_AND_CREATE_TOPIC_LIST, {}, encodeTopicConfigList(configs));
}

async function sendToAll(connection: RawConnection, text: string): Promise<void> {
  const sends = Array.from({ length: TOPICS * QUEUES }, (_, at) =>
    sendMessage(connection, topicOf(Math.floor(at / QUEUES)), at % QUEUES, Buffer.from(`${text} ${at}`)),
  );
  for (const { code } of await Promise.all(sends)) expect(code).toBe(0);
}

/** Descriptors of this process that belong to files of the store's log and queues, or to others right in its folder. */
function openStoreFiles(): string[] {
  const paths: string[] = [];
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      const path = readlinkSync(join('/proc/self/fd', name));
      if (path.startsWith(folder) && !path.includes('metadata.db')) paths.push(path);
    } catch {
      // Closed meanwhile.
    }
  }
  return paths;
}

async function routeOf(namesrvAddr: string, topic: string): Promise<number[] | undefined> {
  const connection = await RawConnection.open(namesrvAddr);
  const response = await connection.request(GET_ROUTEINFO_BY_TOPIC, { topic });
  connection.close();
  if (response.code !== 0) return undefined;
  return decodeTopicRouteData(response.body).queueDatas.map(({ writeQueueNums }) => writeQueueNums);
}

describe('a broker with many topics', () => {
  it.skipIf(process.platform !== 'linux')('keeps few files open, and has every offset after a restart', async () => {
    const { broker, connection } = await start();
    await createAll(connection);
    await sendToAll(connection, 'first');
    expect(openStoreFiles().length).toBeLessThanOrEqual(MAX_OPEN_FILES + OTHER_FILES);
    connection.close();
    await broker.close();

    const { connection: again } = await start();
    await sendToAll(again, 'second');
    expect(openStoreFiles().length).toBeLessThanOrEqual(MAX_OPEN_FILES + OTHER_FILES);
    const ends = await Promise.all(
      Array.from({ length: TOPICS * QUEUES }, (_, at) =>
        maxOffset(again, topicOf(Math.floor(at / QUEUES)), at % QUEUES),
      ),
    );
    expect(new Set(ends)).toEqual(new Set([2]));
    for (const index of [0, 517, TOPICS - 1]) {
      const bodies = (await readQueue(again, topicOf(index), 1)).map(({ body }) => body.toString());
      expect(bodies).toEqual([`first ${index * QUEUES + 1}`, `second ${index * QUEUES + 1}`]);
    }
    expect(openStoreFiles().length).toBeLessThanOrEqual(MAX_OPEN_FILES + OTHER_FILES);
  });

  it('tells the namesrv of each new or changed topic before it answers', async () => {
    const { broker, connection } = await start();
    await createAll(connection);
    expect(await routeOf(broker.namesrvAddr, topicOf(TOPICS - 1))).toEqual([QUEUES]);
    await createTopic(connection, 'one-more', 3);
    expect(await routeOf(broker.namesrvAddr, 'one-more')).toEqual([3]);
    await createTopic(connection, 'one-more', 5);
    expect(await routeOf(broker.namesrvAddr, 'one-more')).toEqual([5]);
    await connection.call(DELETE_TOPIC_IN_BROKER, { topic: 'one-more' });
    expect((await sendMessage(connection, topicOf(3), 0, Buffer.from('x'))).code).toBe(0);
  });
});
