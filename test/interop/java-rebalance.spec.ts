import {
  AllocateMachineRoomNearby,
  AllocateMessageQueueAveragely,
  AllocateMessageQueueAveragelyByCircle,
  AllocateMessageQueueByConfig,
  AllocateMessageQueueByMachineRoom,
  AllocateMessageQueueConsistentHash,
  MQAdmin,
  Producer,
  silentLogger,
  type AllocateMessageQueueStrategy,
  type MessageQueue,
} from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess, type RocknestCluster, startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { Lab } from './support/lab.js';
import { requireToolchain } from './support/toolchain.js';

const VERSIONS = ['4.9.8', '5.4.0'];
const BROKERS = ['east@broker-a', 'west@broker-b'];
const QUEUES_OF_BROKER = 4;
const WAIT_MS = 60_000;
/** So long that nothing is shared out anew in the course of a test but what the broker's notification brings about. */
const REBALANCE_INTERVAL_MS = 3_600_000;
const MEMBERS = ['east-one', 'west-two', 'east-three'];
const CONFIG = [
  'east@broker-a:0,west@broker-b:3',
  'east@broker-a:1',
  'east@broker-a:2,east@broker-a:3,west@broker-b:0',
];

interface Case {
  strategy: string;
  /** What the Java client of a member is told. */
  told: (member: number) => string;
  ours: (topic: string, member: number) => AllocateMessageQueueStrategy;
}

const roomOf = (clientId: string): string => clientId.split('@')[1].split('-')[0];

const CASES: Case[] = [
  { strategy: 'AVG', told: () => 'AVG', ours: () => new AllocateMessageQueueAveragely() },
  { strategy: 'AVG_BY_CIRCLE', told: () => 'AVG_BY_CIRCLE', ours: () => new AllocateMessageQueueAveragelyByCircle() },
  {
    strategy: 'CONSISTENT_HASH',
    told: () => 'CONSISTENT_HASH',
    ours: () => new AllocateMessageQueueConsistentHash(),
  },
  {
    strategy: 'CONFIG',
    told: (member) => `CONFIG/${CONFIG[member]}`,
    ours: (topic, member) =>
      new AllocateMessageQueueByConfig(
        CONFIG[member].split(',').map((text) => {
          const [brokerName, queueId] = text.split(':');
          return { topic, brokerName, queueId: Number(queueId) };
        }),
      ),
  },
  {
    strategy: 'MACHINE_ROOM',
    told: () => 'MACHINE_ROOM/east',
    ours: () => new AllocateMessageQueueByMachineRoom(['east']),
  },
  {
    strategy: 'MACHINE_ROOM_NEARBY',
    told: () => 'MACHINE_ROOM_NEARBY',
    ours: () =>
      new AllocateMachineRoomNearby(new AllocateMessageQueueAveragely(), {
        brokerDeployIn: ({ brokerName }: MessageQueue) => brokerName.split('@')[0],
        consumerDeployIn: roomOf,
      }),
  },
];

let cluster: RocknestCluster;
let west: BrokerProcess;
let admin: MQAdmin;
let producer: Producer;
const labs: Lab[] = [];

beforeAll(async () => {
  requireToolchain();
  cluster = await startRocknestCluster({ brokerName: BROKERS[0] });
  const { namesrvAddr } = cluster;
  west = await BrokerProcess.create({ namesrvAddr, config: { brokerName: BROKERS[1] } });
  await west.start();
  admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  producer = new Producer({ namesrvAddr, group: 'PID_shares', logger: silentLogger, sendMsgTimeoutMs: 30_000 });
  await Promise.all([admin.start(), producer.start()]);
  const options = { rebalanceIntervalMs: REBALANCE_INTERVAL_MS };
  labs.push(...(await Promise.all(VERSIONS.map((version) => Lab.start(version, namesrvAddr, options)))));
});

afterAll(async () => {
  await Promise.all(labs.map((lab) => lab.stop()));
  await producer?.shutdown();
  await admin?.shutdown();
  await west?.remove();
  await cluster?.stop();
});

const keyOf = ({ brokerName, queueId }: MessageQueue): string => `${brokerName}:${queueId}`;

/** The topic's queues in the order in which every client shares them out. */
function queuesOf(topic: string): MessageQueue[] {
  return BROKERS.flatMap((brokerName) =>
    Array.from({ length: QUEUES_OF_BROKER }, (_, queueId) => ({ topic, brokerName, queueId })),
  );
}

async function createTopic(topic: string): Promise<void> {
  await admin.createTopic(topic, { readQueueNums: QUEUES_OF_BROKER, writeQueueNums: QUEUES_OF_BROKER });
  await waitFor(
    async () => (await producer.fetchPublishMessageQueues(topic).catch(() => [])).length === queuesOf(topic).length,
    'the route',
    WAIT_MS,
  );
}

describe('rebalance (item 4): members of the official Java client on our broker', () => {
  for (const version of VERSIONS) {
    it.concurrent.each(CASES)(
      `${version}, $strategy: each owns its share as soon as one joins or leaves, and gets the messages of it`,
      async ({ strategy, told, ours }) => {
        const lab = labs.find((one) => one.version === version)!;
        const topic = lab.name(`shares-${strategy}`);
        const group = `GID_${topic}`;
        await createTopic(topic);
        const names = MEMBERS.map((member) => `${member}-${strategy}`);
        const clientIds: string[] = [];
        const expectShares = async (): Promise<string[][]> => {
          const present = clientIds.filter((id) => id !== '').sort();
          const shares = clientIds.map((id, member) =>
            id === '' ? [] : ours(topic, member).allocate(group, id, queuesOf(topic), present).map(keyOf).sort(),
          );
          for (const [member, share] of shares.entries()) {
            if (clientIds[member] === '') continue;
            const assigned = (): Promise<string[]> => lab.ask('push.assigned', { name: names[member], topic });
            await waitFor(
              async () => (await assigned()).join() === share.join(),
              `${names[member]} to own ${share.join()}`,
              WAIT_MS,
            );
          }
          return shares;
        };
        const first = await Promise.all(
          names.slice(0, 2).map((name, member) => {
            const options = { name, instance: name, group, topic, strategy: told(member) };
            return lab.ask<string>('push.start', options);
          }),
        );
        clientIds.push(...first);
        await expectShares();
        const last = { name: names[2], instance: names[2], group, topic, strategy: told(2) };
        clientIds.push(await lab.ask<string>('push.start', last));
        const shares = await expectShares();
        for (const queue of queuesOf(topic)) await producer.send({ topic, body: keyOf(queue) }, { queue });
        for (const [member, share] of shares.entries()) {
          await waitFor(() => lab.begun(names[member]).length >= share.length, 'the messages of the share', WAIT_MS);
          expect(
            lab
              .begun(names[member])
              .map(({ body }) => body)
              .sort(),
            names[member],
          ).toEqual(share);
        }
        await lab.ask('push.shutdown', { name: names[1] });
        clientIds[1] = '';
        await expectShares();
      },
    );
  }

  it.concurrent('a member whose process is killed hands its queues on at once', async () => {
    const stays = labs[1];
    const options = { rebalanceIntervalMs: REBALANCE_INTERVAL_MS };
    const killed = await Lab.start(stays.version, cluster.namesrvAddr, options);
    const topic = 'shares-killed';
    try {
      await createTopic(topic);
      const group = 'GID_shares-killed';
      await Promise.all([
        killed.ask('push.start', { name: 'killed', group, topic }),
        stays.ask('push.start', { name: 'stays', group, topic }),
      ]);
      await killed.waitForQueues('killed', topic, QUEUES_OF_BROKER);
      await stays.waitForQueues('stays', topic, QUEUES_OF_BROKER);
      await killed.kill();
      await stays.waitForQueues('stays', topic, 2 * QUEUES_OF_BROKER);
    } finally {
      await killed.stop();
    }
  });
});
