import { createBroker } from '@rocknest/broker';
import { ResponseCode } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { waitFor } from '../support/wait-for.js';
import { segmentHashes } from './support/broker-group.js';
import { Clients, texts, uniqueName } from './support/clients.js';
import { MemberGroup } from './support/member-group.js';

const MEMBERS = [1, 2, 3];
const PATIENCE_MS = 30_000;

let group: MemberGroup;
beforeEach(() => {
  group = new MemberGroup();
});
afterEach(() => group.close());

/** All three, in sync. @returns who leads. */
async function startAll(): Promise<number> {
  for (const id of MEMBERS) await group.start(id);
  const leader = await group.leader();
  await group.logged(leader, /in sync: 1, 2, 3/);
  return leader;
}

describe('a group that elects its master', () => {
  it('is founded by one member, takes messages there, and has the same log everywhere', async () => {
    const leader = await startAll();
    const topic = uniqueName('topic');
    const client = group.client(leader);
    const sends = await Promise.all(texts(200).map((text) => client.send(topic, text.padEnd(1_000))));
    expect(new Set(sends.map(({ code }) => code))).toEqual(new Set([ResponseCode.SUCCESS]));
    await group.replicated();
    const follower = group.client(MEMBERS.find((id) => id !== leader)!);
    expect((await follower.send(topic, 'to a slave')).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE);
    const pulled = async (): Promise<number> =>
      (await follower.pull(uniqueName('readers'), topic, 0, { subscription: '*' })).messages.length;
    await waitFor(async () => (await pulled()) > 0, 'the slave to show what is confirmed', PATIENCE_MS);
  });

  it('hands over when its master is stopped: clients go on with the new one, nothing is lost, and the old one follows', async () => {
    const leader = await startAll();
    const topic = uniqueName('topic');
    const clients = new Clients(group.namesrvAddr);
    try {
      const producer = await clients.producer({ pollNameServerIntervalMs: 500 });
      const { received } = await clients.consumer(topic, { pollNameServerIntervalMs: 500 });
      const wanted = texts(60);
      const sent: string[] = [];
      const send = async (text: string): Promise<void> => {
        await waitFor(
          async () => {
            const result = await producer.send({ topic, body: Buffer.from(text) }).catch(() => undefined);
            return result?.status === 'SEND_OK';
          },
          `${text} to be taken`,
          PATIENCE_MS,
        );
        sent.push(text);
      };
      for (const text of wanted.slice(0, 30)) await send(text);
      await group.stop(leader);
      for (const text of wanted.slice(30)) await send(text);
      const next = MEMBERS.find(
        (id) => id !== leader && group.lines(id, /takes messages now, as master of epoch 2/) > 0,
      );
      expect(next).toBeDefined();
      await waitFor(
        () => wanted.every((text) => received.some((message) => message.text === text)),
        'all messages to be consumed',
        PATIENCE_MS,
      );
      await group.start(leader);
      await group.logged(next!, /in sync: 1, 2, 3/);
      await group.replicated();
    } finally {
      await clients.shutdown();
    }
  });

  it('goes on without a slave that is gone, and takes it back', async () => {
    const leader = await startAll();
    const topic = uniqueName('topic');
    const client = group.client(leader);
    const gone = MEMBERS.find((id) => id !== leader)!;
    await group.stop(gone);
    expect((await client.send(topic, 'without it')).code).toBe(ResponseCode.SUCCESS);
    const left = MEMBERS.filter((id) => id !== gone).join(', ');
    await group.logged(leader, new RegExp(`in sync: ${left} \\(before: 1, 2, 3\\)`));
    await group.start(gone);
    await group.logged(leader, /in sync: 1, 2, 3/, 2);
    await group.replicated();
  });

  it('refuses sends when fewer are in sync than minInSyncReplicas', async () => {
    const alone = new MemberGroup({ minInSyncReplicas: 2 });
    try {
      await alone.start(1);
      await alone.leads(1);
      const reply = await alone.client(1).send(uniqueName('topic'), 'alone');
      expect(reply.code).toBe(ResponseCode.SYSTEM_ERROR);
      expect(reply.remark).toMatch(/1 of the group's brokers are in sync/);
    } finally {
      await alone.close();
    }
  });

  it('keeps the messages that its founder had before', async () => {
    const topic = uniqueName('topic');
    await classicStore(1, topic);
    await group.start(1);
    await group.leads(1);
    await group.start(2);
    await group.logged(1, /in sync: 1, 2/);
    await group.replicated();
    const slave = group.client(2);
    // It shows them once its master has said that they are confirmed.
    await waitFor(
      async () => (await slave.pull(uniqueName('readers'), topic, 0, { subscription: '*' })).messages.length > 0,
      'the messages to be read from the slave',
      PATIENCE_MS,
    );
  });
});

/** Messages that a broker without a lease stored in the folder of a member. */
async function classicStore(brokerId: number, topic: string): Promise<void> {
  const settings = { listenPort: 0, mappedFileSizeCommitLog: 64 * 1024 };
  const classic = await createBroker({ ...settings, storePathRootDir: group.storePath(brokerId) });
  const client = new BrokerClient(classic.address);
  for (const text of texts(100)) expect((await client.send(topic, text.padEnd(1_000), { queueId: 0 })).code).toBe(0);
  await client.close();
  await classic.close();
}

it('a member whose log has nothing in common with that of its group changes nothing of it, and says so', async () => {
  await classicStore(2, uniqueName('topic'));
  const before = segmentHashes(group.storePath(2));
  await group.start(1);
  await group.leads(1);
  await group.start(2);
  await group.logged(2, /no epoch in common/);
  await group.stop(2);
  expect(segmentHashes(group.storePath(2))).toEqual(before);
});

it.each([
  [{ brokerId: 0 }, /brokerId is 0/],
  [{ brokerRole: 'SLAVE' as const }, /brokerRole=SLAVE/],
  [{ namesrvAddr: '' }, /namesrvAddr is not/],
  [{ haMasterAddress: '127.0.0.1:1' }, /haMasterAddress/],
  [{ haMaxTimeSlaveNotCatchup: 3_000 }, /slaveTimeout/],
  [{ leaseStore: 'etcd://not a host' }, /leaseStore names a host/],
  [{ enableSlaveActingMaster: true }, /enableSlaveActingMaster, too: the group elects a master/],
])('a member with %j does not start', async (settings, message) => {
  await expect(group.start(1, settings)).rejects.toThrow(message);
});
