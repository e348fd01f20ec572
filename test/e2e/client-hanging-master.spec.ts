import { createNamesrv } from '@rocknest/namesrv';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, PullConsumer, PushConsumer, silentLogger } from '@rocknest/client-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { segmentHashes } from './support/broker-group.js';
import { Clients, texts, uniqueName } from './support/clients.js';

const QUEUES = 4;
/** Far less than until the end of a pull that hangs, and of the lease of nobody: there is no election here. */
const PATIENCE_MS = 25_000;

let folder: string;
let namesrv: { readonly address: string; close(): Promise<void> };
let master: BrokerProcess;
let slave: BrokerProcess;
let clients: Clients;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rocknest-hanging-'));
  namesrv = await createNamesrv({ listenPort: 0, storePath: join(folder, 'namesrv') });
  const member = (brokerId: number, brokerRole: string): Promise<BrokerProcess> =>
    BrokerProcess.create({
      namesrvAddr: namesrv.address,
      config: { brokerName: 'group-a', brokerId, brokerRole, slaveSynchronizeInterval: 100 },
    });
  master = await member(0, 'SYNC_MASTER');
  slave = await member(1, 'SLAVE');
  clients = new Clients(namesrv.address);
  await master.start();
  await slave.start();
});

afterEach(async () => {
  if (master.process.running) process.kill(master.pid, 'SIGCONT');
  await clients.shutdown();
  await slave.remove();
  await master.remove();
  await namesrv.close();
  rmSync(folder, { recursive: true, force: true });
});

it('consumers read on from a slave when the master hangs, and come back to it', async () => {
  const topic = uniqueName('topic');
  const admin = new MQAdmin({ namesrvAddr: namesrv.address, logger: silentLogger });
  clients.add(() => admin.shutdown());
  await admin.start();
  await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
  const producer = await clients.producer();
  const send = (names: readonly string[]): Promise<unknown> =>
    Promise.all(names.map((body) => producer.send({ topic, body })));

  const got = new Map<string, string[]>();
  const consumers: PushConsumer[] = [];
  for (const kind of ['concurrent', 'orderly'] as const) {
    const consumer = new PushConsumer({
      namesrvAddr: namesrv.address,
      group: uniqueName(kind),
      instanceName: kind,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      logger: silentLogger,
    });
    const bodies: string[] = [];
    got.set(kind, bodies);
    consumer.subscribe(topic);
    const take = (messages: readonly { body: Buffer }[]): void =>
      void bodies.push(...messages.map(({ body }) => body.toString()));
    if (kind === 'orderly')
      consumer.registerMessageListenerOrderly((messages) => {
        take(messages);
        return 'SUCCESS';
      });
    else
      consumer.registerMessageListener((messages) => {
        take(messages);
        return 'CONSUME_SUCCESS';
      });
    clients.add(() => consumer.shutdown({ timeoutMs: 1_000 }));
    await consumer.start();
    consumers.push(consumer);
  }
  const expectAll = async (names: readonly string[], kinds: readonly string[]): Promise<void> => {
    for (const kind of kinds) {
      const bodies = got.get(kind)!;
      await waitFor(
        () => names.every((name) => bodies.includes(name)),
        `all of ${names[0]}, ... at the ${kind} consumer`,
        PATIENCE_MS,
      );
    }
  };
  const reader = new PullConsumer({ namesrvAddr: namesrv.address, group: uniqueName('reader'), logger: silentLogger });
  clients.add(() => reader.shutdown());
  await reader.start();

  const first = texts(100, 'before');
  await send(first);
  await expectAll(first, [...got.keys()]);
  for (const consumer of consumers) consumer.suspend();
  const unread = texts(200, 'unread');
  await send(unread);
  await waitFor(
    () => JSON.stringify(segmentHashes(master.storePath)) === JSON.stringify(segmentHashes(slave.storePath)),
    'the slave to have every message',
    PATIENCE_MS,
  );

  process.kill(master.pid, 'SIGSTOP');
  for (const consumer of consumers) consumer.resume();
  // Orderly handlers need the locks of the master, and go on for as long only as these are relied on.
  await expectAll(unread, ['concurrent']);
  const queue = (await reader.fetchSubscribeMessageQueues(topic))[0];
  const { messages } = await reader.pull(queue, '*', 0, 10);
  expect(messages.length).toBeGreaterThan(0);

  process.kill(master.pid, 'SIGCONT');
  const later = texts(100, 'later');
  await send(later);
  const all = [...first, ...unread, ...later];
  await expectAll(all, [...got.keys()]);
  for (const bodies of got.values()) expect(new Set(bodies)).toEqual(new Set(all));
});
