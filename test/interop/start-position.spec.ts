import { join } from 'node:path';
import { MQAdmin, Producer, PushConsumer, silentLogger, type ConsumeFromWhere } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ageFiles } from '../support/age-files.js';
import { startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { JavaClient } from './support/java-client.js';
import { startOfficialCluster } from './support/official-cluster.js';
import { OffsetTool, type Deliveries } from './support/offset-tool.js';
import { requireToolchain } from './support/toolchain.js';

const MIB = 1024 * 1024;
const BODY_BYTES = 64 * 1024;
const OLD_MESSAGES = 50;
const NEW_MESSAGES = 4;
const WAIT_MS = 60_000;
/** The official broker looks for files to delete from a minute after its start on. */
const DELETED_WAIT_MS = 150_000;

/** Both are the same clusters with files of 1 MiB, so that old messages can be deleted. */
interface Cluster {
  namesrvAddr: string;
  brokerAddr: string;
  /** Makes what is in the log old enough to be deleted. */
  age(): void;
  stop(): Promise<void>;
}

async function official(): Promise<Cluster> {
  const cluster = await startOfficialCluster({
    brokerConfig: { mappedFileSizeCommitLog: MIB, fileReservedTime: 0, cleanResourceInterval: 500 },
  });
  return { ...cluster, age: () => {} };
}

async function ours(): Promise<Cluster> {
  const cluster = await startRocknestCluster({ mappedFileSizeCommitLog: MIB, deleteCommitLogFilesInterval: 1 });
  return {
    namesrvAddr: cluster.namesrvAddr,
    brokerAddr: cluster.broker.brokerAddr,
    age: () => ageFiles(join(cluster.broker.storePath, 'commitlog'), 100),
    stop: () => cluster.stop(),
  };
}

/** Starts a consumer of the group; the function it gives tells the first offset that it got, and stops it. */
type Start = (
  topic: string,
  group: string,
  where: ConsumeFromWhere,
  timestampMs: number,
) => Promise<{ first(): Promise<number | undefined>; stop(): Promise<void> }>;

function ourStart(namesrvAddr: string): Start {
  return async (topic, group, consumeFromWhere, timestampMs) => {
    const consumer = new PushConsumer({
      namesrvAddr,
      group,
      consumeFromWhere,
      consumeTimestamp: timestampMs,
      persistConsumerOffsetIntervalMs: 200,
      logger: silentLogger,
    });
    let lowest: number | undefined;
    consumer.subscribe(topic);
    consumer.registerMessageListener((messages) => {
      for (const { queueOffset } of messages) lowest = Math.min(lowest ?? queueOffset, queueOffset);
      return 'CONSUME_SUCCESS';
    });
    await consumer.start();
    return { first: () => Promise.resolve(lowest), stop: () => consumer.shutdown() };
  };
}

/** `yyyyMMddHHmmss` in local time. */
function compact(ms: number): string {
  const at = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${at.getFullYear()}${[at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join('')}`;
}

function javaStart(tool: OffsetTool): Start {
  const froms = {
    CONSUME_FROM_LAST_OFFSET: 'last',
    CONSUME_FROM_FIRST_OFFSET: 'first',
    CONSUME_FROM_TIMESTAMP: 'timestamp',
  };
  return async (topic, group, where, timestampMs) => {
    await tool.ask('consume', { topic, group, from: froms[where], timestamp: compact(timestampMs) });
    return {
      first: async () => (await tool.ask<Deliveries>('deliveries')).lowest['0'],
      stop: async () => void (await tool.ask('stop')),
    };
  };
}

describe.each([
  ['our consumer on the official broker', official, 'ours'],
  ['the official consumer on our broker', ours, 'java'],
  ['our consumer on our broker', ours, 'ours'],
] as const)('start position: %s', (_name, startCluster, who) => {
  let cluster: Cluster;
  let client: JavaClient;
  let tool: OffsetTool;
  let admin: MQAdmin;
  let producer: Producer;
  let start: Start;

  beforeAll(async () => {
    requireToolchain();
    cluster = await startCluster();
    const { namesrvAddr } = cluster;
    client = new JavaClient('5.4.0', namesrvAddr);
    tool = new OffsetTool(client);
    admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
    producer = new Producer({ namesrvAddr, group: 'PID_start', logger: silentLogger, sendMsgTimeoutMs: 30_000 });
    await Promise.all([tool.ready(), admin.start(), producer.start()]);
    start = who === 'ours' ? ourStart(namesrvAddr) : javaStart(tool);
  });

  afterAll(async () => {
    await producer?.shutdown();
    await admin?.shutdown();
    await client?.stop();
    await cluster?.stop();
  });

  const send = async (topic: string, count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await producer.send({ topic, body: Buffer.alloc(BODY_BYTES, 'x') });
  };
  /** A topic of one queue on one broker. */
  const create = (topic: string): Promise<void> => admin.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
  const firstOf = async (topic: string, group: string, where: ConsumeFromWhere, timestampMs = 0): Promise<number> => {
    const consumer = await start(topic, group, where, timestampMs);
    try {
      return await waitFor(
        async () => {
          // For who starts at the end: a consumer may take its queue some time after its start.
          await send(topic, 1);
          const first = await consumer.first();
          return first === undefined ? undefined : { first };
        },
        `the first message of ${group}`,
        WAIT_MS,
      ).then((found) => (found).first);
    } finally {
      await consumer.stop();
    }
  };

  it('a young topic, whose first messages are all there, is consumed from its beginning in every form', async () => {
    const topic = 'young';
    await create(topic);
    await send(topic, 3);
    expect(await firstOf(topic, 'GID_young_last', 'CONSUME_FROM_LAST_OFFSET')).toBe(0);
    expect(await firstOf(topic, 'GID_young_first', 'CONSUME_FROM_FIRST_OFFSET')).toBe(0);
    expect(await firstOf(topic, 'GID_young_time', 'CONSUME_FROM_TIMESTAMP', Date.now() + 60_000)).toBe(0);
  });

  it('a topic that has lost its first messages: the end, the first one left, the first one from a time on; an existing group goes on', async () => {
    const topic = 'aged';
    await create(topic);
    await send(topic, OLD_MESSAGES);
    // Java's timestamps are of whole seconds.
    const timestampMs = (Math.floor(Date.now() / 1_000) + 1) * 1_000;
    await waitFor(() => Date.now() > timestampMs, 'the next second');
    await send(topic, NEW_MESSAGES);
    cluster.age();
    await waitFor(
      async () => {
        await tool.ask('deleteExpired', { broker: cluster.brokerAddr });
        return (await tool.ask<number>('minOffset', { topic })) > 0;
      },
      'the first messages to be deleted',
      DELETED_WAIT_MS,
    );
    const queue = { topic, brokerName: 'broker-a', queueId: 0 };
    const minOffset = await admin.minOffset(queue);
    expect(minOffset).toBeLessThan(OLD_MESSAGES);
    const endBefore = await admin.maxOffset(queue);

    expect(await firstOf(topic, 'GID_aged_time', 'CONSUME_FROM_TIMESTAMP', timestampMs)).toBe(OLD_MESSAGES);
    expect(await firstOf(topic, 'GID_aged_last', 'CONSUME_FROM_LAST_OFFSET')).toBeGreaterThanOrEqual(endBefore);
    const first = await firstOf(topic, 'GID_aged_first', 'CONSUME_FROM_FIRST_OFFSET');
    // More files may have been deleted meanwhile.
    expect(first).toBeGreaterThanOrEqual(minOffset);
    expect(first).toBeLessThan(endBefore);
    // It goes on, wherever the group says that new ones begin.
    expect(await firstOf(topic, 'GID_aged_last', 'CONSUME_FROM_FIRST_OFFSET')).toBeGreaterThanOrEqual(endBefore);
  });
});
