import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin } from '@rocknest/client-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { segmentHashes } from '../e2e/support/broker-group.js';
import { RawConnection } from '../support/raw-remoting.js';
import { maxOffset, queryConsumerOffset, updateConsumerOffset } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { auditQueues, type AuditedTopic } from './support/exchange-audit.js';
import { ExchangeLedger } from './support/exchange-ledger.js';
import { ExchangeSender } from './support/exchange-sender.js';
import { OfficialBroker, startOfficialNamesrv, type OfficialNamesrv } from './support/official-broker.js';
import { requireToolchain } from './support/toolchain.js';

/**
 * Messages over all rounds, in batches and one by one, before and after each side was restarted: more than one file of the log, in the time of CI. With
 * another number in the environment (docs/internals/replication.md has the figures of a million) by hand.
 */
const MESSAGES = Number(process.env.REPLICATION_MESSAGES ?? 100_000);
const ROUNDS = 4;
/** One in 25 by itself. */
const PARTS = { batches: ((MESSAGES / ROUNDS) * 24) / 25, singles: MESSAGES / ROUNDS / 25 };
const ROUND = PARTS.batches + PARTS.singles;
/** ... behind these, which show that the slave follows. */
const FIRST = 100;
const SEGMENT_BYTES = 16 * 1024 * 1024;
const CATCH_UP_MS = 120_000 * Math.max(1, MESSAGES / 100_000);
/** A Java slave takes topics over every 60 s. */
const METADATA_MS = 120_000;

const BATCHES: AuditedTopic = { topic: 'replicated-batches', queues: 8, numbered: true };
const SINGLES: AuditedTopic = { topic: 'replicated-singles', queues: 4, numbered: true };
const GROUP = 'GID_replicated';

const GROUP_SETTINGS = {
  brokerClusterName: 'DefaultCluster',
  brokerName: 'broker-a',
  mappedFileSizeCommitLog: SEGMENT_BYTES,
  slaveReadEnable: true,
};
const MASTER = { brokerId: 0, brokerRole: 'ASYNC_MASTER' };
const SLAVE = { brokerId: 1, brokerRole: 'SLAVE' };
const JAVA_ONLY = {
  // A busy machine must not make it refuse sends, and audits read much at once.
  waitTimeMillsInSendQueue: 30_000,
  maxTransferCountOnMessageInMemory: 500,
  maxTransferBytesOnMessageInMemory: 1_048_576,
  maxTransferCountOnMessageInDisk: 500,
  maxTransferBytesOnMessageInDisk: 1_048_576,
};

/** What the test does with a broker of either kind. */
interface Member {
  readonly address: string;
  readonly storePath: string;
  start(): Promise<unknown>;
  stop(): Promise<void>;
  kill9(): Promise<void>;
}

let folder: string;
let namesrv: OfficialNamesrv;
const cleanUps: (() => Promise<unknown>)[] = [];
let ledger: ExchangeLedger;
let sender: ExchangeSender;

beforeAll(() => {
  requireToolchain();
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rocknest-replication-'));
  namesrv = await startOfficialNamesrv(folder);
  ledger = new ExchangeLedger();
  sender = new ExchangeSender(ledger);
});

afterEach(async () => {
  for (let clean = cleanUps.pop(); clean !== undefined; clean = cleanUps.pop()) await clean();
  await namesrv.stop();
  rmSync(folder, { recursive: true, force: true });
});

function javaMember(role: Record<string, string | number>): Member {
  const storePath = join(folder, 'java-store');
  const config = { ...GROUP_SETTINGS, ...JAVA_ONLY, ...role };
  const broker = new OfficialBroker(join(folder, 'java'), storePath, namesrv.address, config);
  cleanUps.push(() => broker.stop());
  return {
    get address() {
      return broker.address;
    },
    storePath,
    start: () => broker.start(),
    stop: () => broker.stop(),
    kill9: () => broker.kill9(),
  };
}

async function ourMember(role: Record<string, string | number>): Promise<Member> {
  const config = { ...GROUP_SETTINGS, ...role, slaveSynchronizeInterval: 500 };
  const broker = await BrokerProcess.create({ namesrvAddr: namesrv.address, config });
  cleanUps.push(() => broker.remove());
  return {
    address: broker.brokerAddr,
    storePath: broker.storePath,
    start: () => broker.start(),
    stop: () => broker.stop(),
    kill9: () => broker.kill9(),
  };
}

async function send(master: Member): Promise<void> {
  await Promise.all([
    sender.batches(master.address, BATCHES.topic, BATCHES.queues, PARTS.batches),
    sender.singles(master.address, SINGLES.topic, SINGLES.queues, PARTS.singles),
  ]);
}

async function withConnection<T>(address: string, work: (connection: RawConnection) => Promise<T>): Promise<T> {
  const connection = await RawConnection.open(address);
  try {
    return await work(connection);
  } finally {
    connection.close();
  }
}

async function queueEnds(member: Member): Promise<number[]> {
  return withConnection(member.address, async (connection) => {
    const ends: number[] = [];
    for (const { topic, queues } of [BATCHES, SINGLES])
      for (let queueId = 0; queueId < queues; queueId++) ends.push(await maxOffset(connection, topic, queueId));
    return ends;
  });
}

/** The slave has every message, and so the same bytes in the same files. */
async function expectSameLog(master: Member, slave: Member, messages: number): Promise<void> {
  // An official broker lists in its queues some time after the answer to the sender, on either side.
  const hasAll = async (member: Member): Promise<boolean> => {
    const ends = await queueEnds(member).catch(() => []);
    return ends.reduce((sum, end) => sum + end, 0) === messages;
  };
  await waitFor(async () => (await hasAll(master)) && hasAll(slave), 'both to have all messages', CATCH_UP_MS);
  expect(await queueEnds(slave)).toEqual(await queueEnds(master));
  const ofMaster = segmentHashes(master.storePath);
  expect(Object.keys(ofMaster).length).toBeGreaterThan(1);
  expect(segmentHashes(slave.storePath)).toEqual(ofMaster);
}

async function replicate(master: Member, slave: Member): Promise<void> {
  await master.start();
  const admin = new MQAdmin({ namesrvAddr: namesrv.address });
  await admin.start();
  cleanUps.push(() => admin.shutdown());
  for (const { topic, queues } of [BATCHES, SINGLES])
    await admin.createTopic(topic, { readQueueNums: queues, writeQueueNums: queues });
  await admin.createSubscriptionGroup(GROUP);
  const mark = { topic: BATCHES.topic, queueId: 3 };
  await withConnection(master.address, (connection) => updateConsumerOffset(connection, GROUP, mark, 4_711));
  await slave.start();
  // A slave that comes late gets the last file only: it shall be there before the second one begins.
  await sender.singles(master.address, SINGLES.topic, SINGLES.queues, FIRST);
  await waitFor(() => Object.keys(segmentHashes(slave.storePath)).length > 0, 'the slave to connect', CATCH_UP_MS);

  await send(master);
  const sending = send(master);
  await slave.kill9();
  await slave.start();
  await sending;
  await expectSameLog(master, slave, FIRST + 2 * ROUND);

  await master.stop();
  await master.start();
  await send(master);
  await slave.stop();
  await send(master);
  await slave.start();
  await expectSameLog(master, slave, FIRST + 4 * ROUND);

  await waitFor(
    async () =>
      withConnection(slave.address, (connection) => queryConsumerOffset(connection, GROUP, mark))
        .then((offset) => offset === 4_711)
        .catch(() => false),
    'the consumer offset to be taken over',
    METADATA_MS,
  );
  await waitFor(
    async () => {
      const { master: isMaster, haConnectionInfo } = await admin.getBrokerHAStatus(master.address);
      return isMaster && haConnectionInfo.length === 1 && haConnectionInfo[0].diff === 0 && haConnectionInfo[0].inSync;
    },
    'the master to say that its slave has all',
    CATCH_UP_MS,
  );
  const { master: isMaster, haClientRuntimeInfo } = await admin.getBrokerHAStatus(slave.address);
  expect(isMaster).toBe(false);
  // RocketMQ's slaves do not fill in `activated`.
  expect(haClientRuntimeInfo).toMatchObject({ maxOffset: expect.any(Number) });
  const report = await auditQueues(slave.address, [BATCHES, SINGLES], ledger);
  expect(report.problems).toEqual([]);
  expect(report.messages).toBe(FIRST + ROUNDS * ROUND);
}

describe(`${MESSAGES} messages, byte for byte, with restarts and a killed slave in the middle`, () => {
  it('a slave of ours follows the official master 5.4.0', async () => {
    await replicate(javaMember(MASTER), await ourMember(SLAVE));
  });

  it('an official slave 5.4.0 follows our master', async () => {
    await replicate(await ourMember(MASTER), javaMember(SLAVE));
  });
});
