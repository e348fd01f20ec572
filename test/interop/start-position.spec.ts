import {
  MQAdmin,
  MQBrokerError,
  Producer,
  PushConsumer,
  silentLogger,
  type ConsumeFromWhere,
  type MessageQueue,
} from '@rocknest/client-core';
import { ResponseCode } from '@rocknest/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { consumeTimestamp } from './support/consume-timestamp.js';
import { JavaClient } from './support/java-client.js';
import { startOfficialCluster } from './support/official-cluster.js';
import { OffsetTool, type Deliveries } from './support/offset-tool.js';
import { requireToolchain } from './support/toolchain.js';

const WAIT_MS = 60_000;

interface Cluster {
  namesrvAddr: string;
  stop(): Promise<void>;
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

function javaStart(tool: OffsetTool): Start {
  const froms = {
    CONSUME_FROM_LAST_OFFSET: 'last',
    CONSUME_FROM_FIRST_OFFSET: 'first',
    CONSUME_FROM_TIMESTAMP: 'timestamp',
  };
  return async (topic, group, where, timestampMs) => {
    await tool.ask('consume', { topic, group, from: froms[where], timestamp: consumeTimestamp(timestampMs) });
    return {
      first: async () => (await tool.ask<Deliveries>('deliveries')).lowest['0'],
      stop: async () => void (await tool.ask('stop')),
    };
  };
}

describe.each([
  ['our consumer on the official broker', startOfficialCluster, 'ours'],
  ['the official consumer on our broker', startRocknestCluster, 'java'],
  ['our consumer on our broker', startRocknestCluster, 'ours'],
] as const)('start position (item 5): %s', (_name, startCluster, who) => {
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
    for (let n = 0; n < count; n++) await producer.send({ topic, body: Buffer.from('x') });
  };
  /** A topic of one queue on one broker. */
  const create = (topic: string): Promise<void> => admin.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
  const committed = (group: string, queue: MessageQueue): Promise<number> =>
    admin.consumerOffset(group, queue).catch((error: unknown) => {
      if (error instanceof MQBrokerError && error.responseCode === ResponseCode.QUERY_NOT_FOUND) return -1;
      throw error;
    });
  const firstOf = async (topic: string, group: string, where: ConsumeFromWhere, timestampMs = 0): Promise<number> => {
    const consumer = await start(topic, group, where, timestampMs);
    const { queueDatas } = await admin.examineTopicRoute(topic);
    const queue = { topic, brokerName: queueDatas[0].brokerName, queueId: 0 };
    let sentTo: number | undefined;
    try {
      return await waitFor(
        async () => {
          if (sentTo === undefined) {
            // For who starts at the end: a consumer may take its queue some time after its start.
            await send(topic, 1);
            if ((await consumer.first()) === undefined) return undefined;
            sentTo = await admin.maxOffset(queue);
          }
          // Messages are handled side by side: an earlier one may still come before all of them are committed.
          if ((await committed(group, queue)) < sentTo) return undefined;
          const first = await consumer.first();
          return first === undefined ? undefined : { first };
        },
        `the first message of ${group}`,
        WAIT_MS,
      ).then((found) => found.first);
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
});
