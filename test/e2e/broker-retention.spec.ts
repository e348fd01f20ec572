import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decodeGetMaxOffsetResponse,
  decodeGetMinOffsetResponse,
  decodeKVTable,
  encodeDeleteTopicInBrokerRequest,
  encodeGetMaxOffsetRequest,
  encodeGetMinOffsetRequest,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { MessageStore } from '@rocknest/store';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ageFiles } from '../support/age-files.js';
import { BrokerClient } from '../support/broker-client.js';
import { PopClient } from '../support/pop-client.js';
import { waitFor } from '../support/wait-for.js';
import { Clients, uniqueName } from './support/clients.js';

const SEGMENT_BYTES = 64 * 1024;
const RESERVED_HOURS = 72;
const QUICK = { mappedFileSizeCommitLog: SEGMENT_BYTES, cleanResourceInterval: 20, deleteCommitLogFilesInterval: 1 };

let cluster: RunningCluster;
let client: BrokerClient;
let clients: Clients;
let storeRoot: string;

async function start(broker: Parameters<typeof startCluster>[0] = {}): Promise<void> {
  cluster = await startCluster({ storeRoot, ...broker });
  client = new BrokerClient(cluster.brokers[0].address);
  clients = new Clients(cluster.namesrvAddr);
}

beforeEach(() => {
  storeRoot = mkdtempSync(join(tmpdir(), 'rocknest-retention-'));
});

afterEach(async () => {
  await clients?.shutdown();
  await client?.close();
  await cluster?.stop();
  rmSync(storeRoot, { recursive: true, force: true });
});

const logFolder = (): string => join(cluster.brokers[0].storePath, 'commitlog');

async function minOffset(topic: string, queueId = 0): Promise<number> {
  const response = await client.request(RequestCode.GET_MIN_OFFSET, encodeGetMinOffsetRequest({ topic, queueId }));
  return decodeGetMinOffsetResponse(response).offset;
}

async function maxOffset(topic: string, queueId = 0): Promise<number> {
  const fields = encodeGetMaxOffsetRequest({ topic, queueId, committed: true });
  return decodeGetMaxOffsetResponse(await client.request(RequestCode.GET_MAX_OFFSET, fields)).offset;
}

/** Some full files of the commit log, all in one queue. */
async function fill(topic: string, messages: number, prefix = 'm'): Promise<void> {
  for (let i = 0; i < messages; i++) {
    const body = `${prefix}-${i}`.padEnd(2_000, '.');
    expect((await client.send(topic, body)).code).toBe(ResponseCode.SUCCESS);
  }
}

async function deleteByHand(topic: string): Promise<number> {
  ageFiles(logFolder(), RESERVED_HOURS + 1);
  expect((await client.request(RequestCode.DELETE_EXPIRED_COMMITLOG)).code).toBe(ResponseCode.SUCCESS);
  return waitFor(() => minOffset(topic));
}

describe('retention', () => {
  it('by hand: what is not expired stays, what is goes, and a pull below the minimum is told where to go on', async () => {
    const topic = uniqueName('topic');
    await start({ broker: QUICK });
    await fill(topic, 150);
    expect((await client.request(RequestCode.DELETE_EXPIRED_COMMITLOG)).code).toBe(ResponseCode.SUCCESS);
    expect((await client.request(RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE)).code).toBe(ResponseCode.SUCCESS);
    expect(await minOffset(topic)).toBe(0);

    const min = await deleteByHand(topic);
    expect(await maxOffset(topic)).toBe(150);
    const group = uniqueName('group');
    await client.heartbeat(group, { [topic]: '*' });
    const behind = await client.pull(group, topic, 0);
    expect(behind).toMatchObject({ code: ResponseCode.PULL_OFFSET_MOVED, nextBeginOffset: min, minOffset: min });
    const first = await client.pull(group, topic, min);
    expect(first.code).toBe(ResponseCode.SUCCESS);
    expect(first.messages[0].queueOffset).toBe(min);
    expect(first.messages[0].body.toString()).toContain(`m-${min}.`);
  });

  it('a consumer that was away goes on at the first message that is left', async () => {
    const topic = uniqueName('topic');
    const group = uniqueName('group');
    await start({ broker: QUICK });
    await fill(topic, 20);
    const before = await clients.consumer(topic, { group });
    await waitFor(() => before.received.length === 20);
    await before.consumer.shutdown({ timeoutMs: 1_000 });
    await fill(topic, 150, 'later');
    const min = await deleteByHand(topic);
    expect(min).toBeGreaterThan(20);

    const after = await clients.consumer(topic, { group });
    await waitFor(() => after.received.length === 170 - min);
    expect(after.received.map(({ message }) => message.queueOffset).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 170 - min }, (_, i) => min + i),
    );
    const producer = await clients.producer();
    await producer.send({ topic, body: 'goes on' });
    await waitFor(() => after.received.at(-1)?.text === 'goes on');
  });

  it('a group that pops goes on at the first message that is left, and is told that what it held is gone', async () => {
    const topic = uniqueName('topic');
    await start({ broker: QUICK });
    await fill(topic, 20);
    const pops = new PopClient(client, uniqueName('group'), 'broker-a');
    const held = (await pops.pop(topic, { maxMsgNums: 8, invisibleTime: 300 })).messages;
    expect(held).toHaveLength(8);
    await fill(topic, 150, 'later');
    const min = await deleteByHand(topic);
    expect(min).toBeGreaterThan(20);

    const offsets = new Set<number>();
    while (offsets.size < 170 - min) {
      const { messages } = await pops.popUntil(topic, { invisibleTime: 60_000 });
      for (const message of messages) {
        // What was held came back before the files went, or not at all.
        if (message.storedTopic === topic) offsets.add(message.queueOffset);
        expect((await pops.ack(message)).code).toBe(ResponseCode.SUCCESS);
      }
    }
    expect([...offsets]).toEqual(Array.from({ length: 170 - min }, (_, i) => min + i));
    expect((await pops.ack(held[0])).code).toBe(ResponseCode.NO_MESSAGE);
    expect((await pops.renew(held[0], 1_000)).response.code).toBe(ResponseCode.NO_MESSAGE);
  });

  it('a consumer that is running goes on too', async () => {
    const topic = uniqueName('topic');
    await start({ broker: QUICK });
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await fill(topic, 200);
    // It holds its first messages, so that it is far behind when the files go.
    const { received } = await clients.consumer(
      topic,
      { pullThresholdForQueue: 4, pullBatchSize: 2 },
      async (): Promise<'CONSUME_SUCCESS'> => {
        await held;
        return 'CONSUME_SUCCESS';
      },
    );
    await waitFor(() => received.length > 0);
    const min = await deleteByHand(topic);
    release();
    await waitFor(() => received.some(({ message }) => message.queueOffset === 199));
    const offsets = new Set(received.map(({ message }) => message.queueOffset));
    for (let offset = min; offset < 200; offset++) expect(offsets.has(offset), `offset ${offset}`).toBe(true);
  });

  it('above diskSpaceWarningLevelRatio sends are refused with the code of RocketMQ, and consumers go on', async () => {
    const topic = uniqueName('topic');
    await start({ broker: QUICK });
    await fill(topic, 3);
    const ratios = decodeKVTable((await client.request(RequestCode.GET_BROKER_RUNTIME_INFO)).bodyBuffer).table;
    expect(Number(ratios.commitLogDiskRatio)).toBeGreaterThan(0.01);
    await client.close();
    await cluster.stop();
    await start({
      broker: {
        ...QUICK,
        diskSpaceWarningLevelRatio: 1,
        diskSpaceCleanForciblyRatio: 1,
        cleanFileForciblyEnable: false,
      },
    });
    const refused = await client.send(topic, 'too much');
    expect(refused.code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE);
    expect(refused.remark).toContain("the broker's disk is full");
    expect(refused.remark).toContain('diskSpaceWarningLevelRatio');
    const { received } = await clients.consumer(topic);
    await waitFor(() => received.length === 3);
  });

  it('removes the queues of topics that nobody knows any more', async () => {
    const broker = join(storeRoot, 'broker-a');
    const store = new MessageStore({ rootPath: broker, segmentSizeBytes: SEGMENT_BYTES, storeHost: '127.0.0.1:1' });
    await store.open();
    await new Promise((resolve) => {
      store.putMessage(
        {
          topic: 'Forgotten',
          queueId: 0,
          flag: 0,
          sysFlag: 0,
          bornTimestamp: 1,
          bornHost: Buffer.alloc(8),
          reconsumeTimes: 0,
          preparedTransactionOffset: 0,
          body: Buffer.from('x'),
          properties: '',
          tagsCode: 0,
          waitStoreOk: true,
        },
        resolve,
      );
    });
    await store.close();
    const topic = uniqueName('topic');
    await start({ broker: QUICK });
    await fill(topic, 1);
    const folder = join(broker, 'consumequeue');
    await waitFor(() => readdirSync(folder).includes(topic));
    expect(readdirSync(folder)).toContain('Forgotten');
    expect((await client.request(RequestCode.CLEAN_UNUSED_TOPIC)).code).toBe(ResponseCode.SUCCESS);
    expect(readdirSync(folder)).not.toContain('Forgotten');
    expect(readdirSync(folder)).toContain(topic);
    await client.request(RequestCode.DELETE_TOPIC_IN_BROKER, encodeDeleteTopicInBrokerRequest({ topic }));
    expect(readdirSync(folder)).not.toContain(topic);
  });
});
