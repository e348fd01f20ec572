import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, Producer, silentLogger } from '@rocknest/client-core';
import { ResponseCode } from '@rocknest/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RawRecord } from '../support/raw-record.js';
import { RawConnection } from '../support/raw-remoting.js';
import { readQueue } from '../support/raw-requests.js';
import { BrokerProcess, type RocknestCluster, startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { Lab } from './support/lab.js';
import { OfficialBroker, type OfficialNamesrv, startOfficialNamesrv } from './support/official-broker.js';
import { storeCommandOk } from './support/store-command.js';
import { requireToolchain } from './support/toolchain.js';

const WAIT_MS = 60_000;
/** The Java broker delivers a whole second when it is over. */
const JAVA_PRECISION_MS = 1_000;
/** Longer than one broker takes to stop and the other to start. */
const CHANGE_MS = 12_000;
const FAR_MS = 3_600_000;
const IDENTITY = { brokerClusterName: 'DefaultCluster', brokerName: 'broker-a' };

interface JavaSend {
  msgId: string;
  status: string;
  recallHandle: string;
}

async function stored(address: string, topic: string): Promise<RawRecord[]> {
  const connection = await RawConnection.open(address);
  try {
    return await readQueue(connection, topic, 0);
  } finally {
    connection.close();
  }
}

async function waitForBodies(address: string, topic: string, bodies: readonly string[]): Promise<RawRecord[]> {
  const records = await waitFor(
    async () => {
      const found = await stored(address, topic);
      return found.length >= bodies.length ? found : undefined;
    },
    `${bodies.length} messages in ${topic}`,
    WAIT_MS,
  );
  expect(records.map(({ body }) => body.toString()).sort()).toEqual([...bodies].sort());
  return records;
}

async function createTopic(namesrvAddr: string, topic: string): Promise<void> {
  const admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  await admin.start();
  await admin.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
  await admin.shutdown();
}

describe("the official clients' delays on our broker (item 3: delay)", () => {
  let cluster: RocknestCluster;
  let lab: Lab;

  beforeAll(async () => {
    requireToolchain();
    cluster = await startRocknestCluster({ messageDelayLevel: '1s 2s' });
    lab = await Lab.start('5.4.0', cluster.namesrvAddr);
  });

  afterAll(async () => {
    await lab?.stop();
    await cluster?.stop();
  });

  const send = (topic: string, body: string, how: string, value: number): Promise<JavaSend> =>
    lab.ask('delay.send', { topic, body, how, value });

  it('levels, seconds, ms and a time are kept, and its push consumer gets each message, none too early', async () => {
    const topic = 'java-delay';
    await createTopic(cluster.namesrvAddr, topic);
    await lab.ask('push.start', { name: 'delayed', group: 'GID_java_delay', topic });
    const startMs = Date.now();
    const times: Record<string, number> = { level: 2_000, seconds: 1_000, ms: 1_337, time: 1_777 };
    await send(topic, 'level', 'setDelayTimeLevel', 2);
    await send(topic, 'seconds', 'setDelayTimeSec', 1);
    await send(topic, 'ms', 'setDelayTimeMs', 1_337);
    await send(topic, 'time', 'setDeliverTimeMs', startMs + 1_777);
    await lab.waitForBodies('delayed', 4);
    for (const { body, storeTimestamp } of await stored(cluster.broker.brokerAddr, topic)) {
      expect(storeTimestamp, body.toString()).toBeGreaterThanOrEqual(startMs + times[body.toString()]);
    }
  });

  it('the delay levels of the client 4.9.8 are kept too', async () => {
    const topic = 'java-old-delay';
    await createTopic(cluster.namesrvAddr, topic);
    const old = await Lab.start('4.9.8', cluster.namesrvAddr);
    try {
      await old.ask('push.start', { name: 'delayed', group: 'GID_java_old_delay', topic });
      const startMs = Date.now();
      await old.ask('delay.send', { topic, body: 'first', how: 'setDelayTimeLevel', value: 1 });
      await old.ask('delay.send', { topic, body: 'second', how: 'setDelayTimeLevel', value: 2 });
      await old.waitForBodies('delayed', 2);
      const records = await stored(cluster.broker.brokerAddr, topic);
      expect(records.map(({ body }) => body.toString())).toEqual(['first', 'second']);
      expect(records[0].storeTimestamp).toBeGreaterThanOrEqual(startMs + 1_000);
      expect(records[1].storeTimestamp).toBeGreaterThanOrEqual(startMs + 2_000);
    } finally {
      await old.stop();
    }
  });

  it('a timer message is recalled by its handle; a wrong or late recall and a time too far ahead are refused', async () => {
    const topic = 'java-recall';
    await createTopic(cluster.namesrvAddr, topic);
    const gone = await send(topic, 'gone', 'setDelayTimeMs', 3_000);
    const kept = await send(topic, 'kept', 'setDelayTimeMs', 3_000);
    expect(gone.status).toBe('SEND_OK');
    const recall = (handle: string): Promise<string> => lab.ask('delay.recall', { topic, handle });
    expect(await recall(gone.recallHandle)).toBe(gone.msgId);
    await waitForBodies(cluster.broker.brokerAddr, topic, ['kept']);
    await expect(recall(kept.recallHandle)).rejects.toThrow();
    await expect(recall('nonsense')).rejects.toThrow();
    await expect(send(topic, 'x', 'setDelayTimeSec', 4 * 86_400)).rejects.toThrow(/max delay/);
  });
});

describe('our client on the official broker 5.4.0, and one store folder with timer messages for both (item 3: delay)', () => {
  const topic = 'our-delay';
  let folder: string;
  let namesrv: OfficialNamesrv;
  let java: OfficialBroker;
  let ours: BrokerProcess | undefined;
  let producer: Producer;

  beforeAll(async () => {
    requireToolchain();
    folder = mkdtempSync(join(tmpdir(), 'rocknest-delay-'));
    namesrv = await startOfficialNamesrv(folder);
    java = new OfficialBroker(join(folder, 'java'), join(folder, 'store'), namesrv.address, {
      ...IDENTITY,
      recallMessageEnable: true,
    });
    await java.start();
    await createTopic(namesrv.address, topic);
    producer = await startProducer();
  });

  afterAll(async () => {
    await producer?.shutdown();
    await ours?.remove();
    await java?.stop();
    await namesrv?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  async function startProducer(): Promise<Producer> {
    const started = new Producer({
      namesrvAddr: namesrv.address,
      group: 'PID_our_delay',
      logger: silentLogger,
      sendMsgTimeoutMs: 30_000,
    });
    await started.start();
    return started;
  }

  /** What `store dump --timers` says of the messages that are named, recalls included: state, topic and due time of each. */
  async function timersIn(...bodies: string[]): Promise<Map<string, { state: string; topic: string; dueMs: number }>> {
    const lines = await storeCommandOk('dump', join(folder, 'store'), '--timers', '--json', '--body', 'text');
    const found = lines.map(
      (line) => JSON.parse(line) as { timer: { state: string; topic: string; dueMs: number }; body: string },
    );
    return new Map(found.filter(({ body }) => bodies.includes(body)).map(({ timer, body }) => [body, timer]));
  }

  it('our delays are kept there, and our recall works', async () => {
    const startMs = Date.now();
    const deliverTimeMs = startMs + 4_321;
    await producer.send({ topic, body: 'level', delayTimeLevel: 1 });
    await producer.send({ topic, body: 'seconds', delayTimeSec: 3 });
    await producer.send({ topic, body: 'ms', delayTimeMs: 3_333 });
    await producer.send({ topic, body: 'time', deliverTimeMs });
    const gone = await producer.send({ topic, body: 'gone', deliverTimeMs });
    expect(await producer.recallMessage(topic, gone.recallHandle ?? '')).toBe(gone.msgId);
    const records = await waitForBodies(java.address, topic, ['level', 'seconds', 'ms', 'time']);
    for (const { body, storeTimestamp } of records) {
      if (body.toString() === 'time') expect(storeTimestamp).toBeGreaterThanOrEqual(deliverTimeMs - JAVA_PRECISION_MS);
    }
    await expect(producer.send({ topic, body: 'x', delayTimeSec: 4 * 86_400 })).rejects.toMatchObject({
      responseCode: ResponseCode.MESSAGE_ILLEGAL,
    });
  });

  it('what waits at the official broker is delivered by ours, but not what was recalled there; and the other way round', async () => {
    const before = ['level', 'seconds', 'ms', 'time'];
    const firstMs = Date.now() + CHANGE_MS;
    await producer.send({ topic, body: 'to-ours', deliverTimeMs: firstMs });
    const gone = await producer.send({ topic, body: 'recalled', deliverTimeMs: firstMs });
    await producer.recallMessage(topic, gone.recallHandle ?? '');
    // These still wait when it is looked at what waits, however long a broker takes to stop.
    const farMs = Date.now() + FAR_MS;
    await producer.send({ topic, body: 'far', deliverTimeMs: farMs });
    const farGone = await producer.send({ topic, body: 'far-recalled', deliverTimeMs: farMs });
    await producer.recallMessage(topic, farGone.recallHandle ?? '');
    // With it goes what the client knows of routes: our broker has another address.
    await producer.shutdown();
    await java.stop();
    const waiting = await timersIn('far', 'far-recalled');
    expect(waiting.get('far')).toMatchObject({ state: 'waiting', topic });
    // The official broker keeps whole seconds.
    expect(Math.abs((waiting.get('far')?.dueMs ?? 0) - farMs)).toBeLessThanOrEqual(JAVA_PRECISION_MS);
    expect(waiting.get('far-recalled')).toMatchObject({ state: 'cancelled', topic });
    await storeCommandOk('verify', join(folder, 'store'));
    const config = { ...IDENTITY, storePathRootDir: join(folder, 'store') };
    ours = await BrokerProcess.create({ namesrvAddr: namesrv.address, config });
    await ours.start();
    const records = await waitForBodies(ours.brokerAddr, topic, [...before, 'to-ours']);
    expect(records.at(-1)?.storeTimestamp).toBeGreaterThanOrEqual(firstMs - JAVA_PRECISION_MS);

    producer = await startProducer();
    const secondMs = Date.now() + CHANGE_MS;
    await producer.send({ topic, body: 'to-java', deliverTimeMs: secondMs });
    const back = await producer.send({ topic, body: 'recalled-here', deliverTimeMs: secondMs });
    await producer.recallMessage(topic, back.recallHandle ?? '');
    await producer.send({ topic, body: 'far-here', deliverTimeMs: farMs });
    const farBack = await producer.send({ topic, body: 'far-here-recalled', deliverTimeMs: farMs });
    await producer.recallMessage(topic, farBack.recallHandle ?? '');
    await ours.stop();
    const waitingHere = await timersIn('far', 'far-here', 'far-here-recalled');
    expect(waitingHere.get('far')).toEqual(waiting.get('far'));
    expect(waitingHere.get('far-here')).toMatchObject({ state: 'waiting', topic, dueMs: farMs });
    expect(waitingHere.get('far-here-recalled')).toMatchObject({ state: 'cancelled', topic });
    await storeCommandOk('verify', join(folder, 'store'));
    await java.start();
    const all = await waitForBodies(java.address, topic, [...before, 'to-ours', 'to-java']);
    expect(all.at(-1)?.storeTimestamp).toBeGreaterThanOrEqual(secondMs - JAVA_PRECISION_MS);
  });
});
