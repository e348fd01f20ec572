import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, PopConsumer, Producer, type MessageExt } from '@rocknest/client-core';
import { decodeMessageRequestModeTable, RequestCode } from '@rocknest/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { RawConnection } from '../support/raw-remoting.js';
import { BrokerProcess, mainFile } from '../support/rocknest-process.js';
import { OfficialBroker, startOfficialNamesrv, type OfficialNamesrv } from './support/official-broker.js';
import { requireToolchain } from './support/toolchain.js';

const TOPIC = 'pop-exchange';
const GROUP = 'GID_pop_exchange';
const IDENTITY = { brokerClusterName: 'DefaultCluster', brokerName: 'broker-a' };
const QUEUE = { topic: TOPIC, brokerName: IDENTITY.brokerName, queueId: 0 };
/** Longer than the spec takes: what is popped stays held over each change of the broker. */
const INVISIBLE_MS = 300_000;

let folder: string;
let namesrv: OfficialNamesrv;
let java: OfficialBroker;
const ours: BrokerProcess[] = [];
let admin: MQAdmin;

beforeAll(async () => {
  requireToolchain();
  folder = mkdtempSync(join(tmpdir(), 'rocknest-pop-exchange-'));
  namesrv = await startOfficialNamesrv(folder);
  java = new OfficialBroker(join(folder, 'java'), join(folder, 'store'), namesrv.address, IDENTITY);
  await java.start();
  admin = new MQAdmin({ namesrvAddr: namesrv.address });
  await admin.start();
});

afterAll(async () => {
  await admin?.shutdown();
  await java?.stop();
  await Promise.all(ours.map((run) => run.remove()));
  await namesrv?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function startOurs(): Promise<BrokerProcess> {
  const config = { ...IDENTITY, storePathRootDir: join(folder, 'store') };
  const run = await BrokerProcess.create({ namesrvAddr: namesrv.address, config });
  ours.push(run);
  await run.start();
  return run;
}

/** How members of the group get the topic's messages, as a broker tells it. */
async function modesOf(address: string): Promise<unknown> {
  const connection = await RawConnection.open(address);
  try {
    const answer = await connection.call(RequestCode.GET_ALL_MESSAGE_REQUEST_MODE, {});
    const { modes } = decodeMessageRequestModeTable(answer.body);
    return modes.filter(({ consumerGroup }) => consumerGroup === GROUP);
  } finally {
    connection.close();
  }
}

const POP_MODE = { topic: TOPIC, consumerGroup: GROUP, mode: 'POP', popShareQueueNum: 3 };

async function withConsumer<T>(work: (consumer: PopConsumer) => Promise<T>): Promise<T> {
  const consumer = new PopConsumer({
    namesrvAddr: namesrv.address,
    group: GROUP,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    invisibleTimeMs: INVISIBLE_MS,
  });
  await consumer.start();
  try {
    return await work(consumer);
  } finally {
    await consumer.shutdown();
  }
}

const pop = (consumer: PopConsumer, attemptId: string): Promise<MessageExt[]> =>
  consumer.pop(TOPIC, { queue: QUEUE, order: true, attemptId, maxMessages: 2, pollTimeMs: 0 });
const bodies = (messages: MessageExt[]): string[] => messages.map(({ body }) => body.toString());

describe('a store folder with groups that pop, served by the official broker 5.4.0 and by ours in turn', () => {
  let held: MessageExt[];

  it('1. the official broker is told that a group pops, and gives it messages in order', async () => {
    await admin.createTopic(TOPIC, { readQueueNums: 1, writeQueueNums: 1 });
    await admin.createSubscriptionGroup(GROUP, { consumeMessageOrderly: true });
    await admin.setMessageRequestMode(TOPIC, GROUP, 'POP', { popShareQueueNum: 3 });
    const producer = new Producer({ namesrvAddr: namesrv.address, group: 'PID_pop_exchange' });
    await producer.start();
    for (let i = 0; i < 6; i++) await producer.send({ topic: TOPIC, body: Buffer.from(String(i)) }, { queue: QUEUE });
    await producer.shutdown();
    await withConsumer(async (consumer) => {
      held = await pop(consumer, 'attempt-1');
      expect(bodies(held)).toEqual(['0', '1']);
      await consumer.ack(held[0]);
    });
    expect(await modesOf(java.address)).toEqual([POP_MODE]);
    await java.stop();
  });

  it('2. ours knows the mode, keeps the queue blocked for others, and takes the acknowledgement of what the other gave', async () => {
    const broker = await startOurs();
    expect(broker.process.tail()).toMatch(/imported .* 1 request modes and 1 states of orderly pops/);
    expect(await modesOf(broker.brokerAddr)).toEqual([POP_MODE]);
    await withConsumer(async (consumer) => {
      expect(await pop(consumer, 'somebody-else')).toEqual([]);
      await consumer.ack(held[1]);
      held = await pop(consumer, 'attempt-2');
      expect(bodies(held)).toEqual(['2', '3']);
      await consumer.ack(held[0]);
    });
    await broker.stop();
    const child = new Child({
      name: 'rocknest store export-config',
      command: process.execPath,
      args: [mainFile('rocknest'), 'store', 'export-config', join(folder, 'store'), '--force'],
    });
    expect(await child.waitForExit(), child.tail()).toBe(0);
  });

  it('3. the official broker goes on likewise from what was exported', async () => {
    await java.start();
    expect(await modesOf(java.address)).toEqual([POP_MODE]);
    await withConsumer(async (consumer) => {
      expect(await pop(consumer, 'somebody-else')).toEqual([]);
      await consumer.ack(held[1]);
      expect(bodies(await pop(consumer, 'attempt-3'))).toEqual(['4', '5']);
    });
  });
});
