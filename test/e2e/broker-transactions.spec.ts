import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CheckTransactionStateRequest,
  decodeCheckTransactionStateRequest,
  decodeMessage,
  decodeOffsetMsgId,
  encodeEndTransactionRequest,
  encodeResumeCheckHalfMessageRequest,
  MessageSysFlag,
  type MessageExt,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
  TRANS_CHECK_MAX_TIME_TOPIC,
  TRANS_HALF_TOPIC,
  TRANS_OP_HALF_TOPIC,
} from '@rocknest/protocol';
import { type ClusterOptions, type RunningCluster, startCluster } from '@rocknest/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerClient, type SendReply } from '../support/broker-client.js';
import { uniqueName } from '../support/unique-name.js';
import { waitFor } from '../support/wait-for.js';

const GROUP = 'tx_producers';
const COMMIT = MessageSysFlag.TRANSACTION_COMMIT_TYPE;
const ROLLBACK = MessageSysFlag.TRANSACTION_ROLLBACK_TYPE;
/** Checks that come soon, and marks that are written at once. */
const SOON = { transactionTimeOut: 50, transactionCheckInterval: 30, transactionOpBatchInterval: 0 };
/** Checks that never come. */
const NEVER = { transactionCheckInterval: 3_600_000, transactionOpBatchInterval: 0 };

let cluster: RunningCluster | undefined;
let client: BrokerClient;
let checks: { header: CheckTransactionStateRequest; message: MessageExt }[];

async function start(broker: ClusterOptions['broker'], storeRoot?: string): Promise<void> {
  cluster = await startCluster({ broker, storeRoot });
  client = new BrokerClient(cluster.brokers[0].address);
  checks = [];
  client.remoting.registerHandler(RequestCode.CHECK_TRANSACTION_STATE, (request) => {
    checks.push({
      header: decodeCheckTransactionStateRequest(request),
      message: decodeMessage(Buffer.from(request.bodyBuffer)),
    });
  });
}

async function stop(): Promise<void> {
  await client.close();
  await cluster?.stop();
  cluster = undefined;
}

afterEach(stop);

const online = (): Promise<RemotingCommand> => client.heartbeat('none', {}, { producerGroups: [GROUP] });

function sendHalf(topic: string, body: string, properties: Record<string, string> = {}): Promise<SendReply> {
  return client.send(topic, body, {
    queueId: 2,
    producerGroup: GROUP,
    sysFlag: MessageSysFlag.TRANSACTION_PREPARED_TYPE,
    propertyMap: { TRAN_MSG: 'true', PGROUP: GROUP, TAGS: 'paid', ...properties },
  });
}

interface EndOptions {
  producerGroup?: string;
  tranStateTableOffset?: number;
  commitLogOffset?: number;
  fromTransactionCheck?: boolean;
}

function end(half: SendReply, commitOrRollback: number, options: EndOptions = {}): Promise<RemotingCommand> {
  const fields = encodeEndTransactionRequest({
    producerGroup: GROUP,
    tranStateTableOffset: half.queueOffset,
    commitLogOffset: half.msgId === '' ? 0 : decodeOffsetMsgId(half.msgId).physicalOffset,
    commitOrRollback,
    fromTransactionCheck: false,
    msgId: half.transactionId ?? '',
    transactionId: half.transactionId,
    ...options,
  });
  return client.request(RequestCode.END_TRANSACTION, fields);
}

function answer(header: CheckTransactionStateRequest, commitOrRollback: number): Promise<RemotingCommand> {
  const { tranStateTableOffset, commitLogOffset, msgId = '', transactionId } = header;
  const fields = encodeEndTransactionRequest({
    producerGroup: GROUP,
    tranStateTableOffset,
    commitLogOffset,
    commitOrRollback,
    fromTransactionCheck: true,
    msgId,
    transactionId,
  });
  return client.request(RequestCode.END_TRANSACTION, fields);
}

async function stored(topic: string, queueId: number): Promise<MessageExt[]> {
  return (await client.pull('readers', topic, 0, { queueId, subscription: '*' })).messages;
}

describe('transactions', () => {
  it('keep a half message from consumers until it is committed, and deliver it as it was sent', async () => {
    await start(NEVER);
    const topic = uniqueName('topic');
    const half = await sendHalf(topic, 'paid', { UNIQ_KEY: 'ID1', KEYS: 'k' });
    expect(half).toMatchObject({ code: ResponseCode.SUCCESS, queueId: 2, queueOffset: 0, transactionId: 'ID1' });
    expect(await stored(topic, 2)).toEqual([]);
    const [kept] = await stored(TRANS_HALF_TOPIC, 0);
    expect(kept.properties).toMatchObject({
      REAL_TOPIC: topic,
      REAL_QID: '2',
      __transactionId__: 'ID1',
      PGROUP: GROUP,
    });
    expect(kept.sysFlag & MessageSysFlag.TRANSACTION_MASK).toBe(0);

    expect((await end(half, COMMIT)).code).toBe(ResponseCode.SUCCESS);
    const [message] = await stored(topic, 2);
    expect(message.body.toString()).toBe('paid');
    expect(message).toMatchObject({ topic, queueId: 2, msgId: 'ID1', bornTimestamp: kept.bornTimestamp });
    expect(message.preparedTransactionOffset).toBe(kept.physicalOffset);
    expect(message.sysFlag & MessageSysFlag.TRANSACTION_MASK).toBe(COMMIT);
    expect(message.properties).toMatchObject({ TAGS: 'paid', KEYS: 'k', TRAN_MSG: 'true', PGROUP: GROUP });
    await waitFor(async () => (await stored(TRANS_OP_HALF_TOPIC, 0)).length === 1, 'the mark');
    const [mark] = await stored(TRANS_OP_HALF_TOPIC, 0);
    expect([mark.body.toString(), mark.properties.TAGS]).toEqual(['0,', 'd']);
  });

  it('deliver once when the end comes twice, and nothing after a rollback', async () => {
    await start(NEVER);
    const topic = uniqueName('topic');
    const committed = await sendHalf(topic, 'yes');
    const rolledBack = await sendHalf(topic, 'no');
    const ends = [end(committed, COMMIT), end(committed, COMMIT), end(rolledBack, ROLLBACK), end(rolledBack, COMMIT)];
    expect((await Promise.all(ends)).map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    await end(committed, ROLLBACK);
    expect((await stored(topic, 2)).map(({ body }) => body.toString())).toEqual(['yes']);
  });

  it('refuse an end that does not fit its half message, and change nothing', async () => {
    await start(NEVER);
    const topic = uniqueName('topic');
    const half = await sendHalf(topic, 'x');
    const { physicalOffset } = decodeOffsetMsgId((await client.send(topic, 'ordinary')).msgId);
    const remarks: (string | undefined)[] = [];
    for (const options of [
      { producerGroup: 'others' },
      { tranStateTableOffset: 7 },
      { commitLogOffset: 3 },
      { commitLogOffset: physicalOffset },
    ]) {
      const response = await end(half, COMMIT, options);
      expect(response.code).toBe(ResponseCode.SYSTEM_ERROR);
      remarks.push(response.remark);
    }
    expect(remarks.slice(0, 3)).toEqual([
      'The producer group wrong',
      'The transaction state table offset wrong',
      'Find prepared transaction message failed',
    ]);
    expect(remarks[3]).toContain('is no half message');
    expect((await end(half, 0)).code).toBe(ResponseCode.SUCCESS);
    expect(await stored(topic, 2)).toEqual([]);
  });

  it('are refused with a delay, in a batch, without TRAN_MSG, and where the broker does not want them', async () => {
    await start({ ...NEVER, rejectTransactionMessage: true });
    const topic = uniqueName('topic');
    expect((await sendHalf(topic, 'x')).code).toBe(ResponseCode.NO_PERMISSION);
    await stop();
    await start(NEVER);
    expect((await sendHalf(topic, 'x', { DELAY: '3' })).code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect((await client.send(topic, 'x', { sysFlag: COMMIT })).code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect(await stored(TRANS_HALF_TOPIC, 0)).toEqual([]);
  });

  it('are asked about when their time is over, by the place where the half message stands now', async () => {
    await start(SOON);
    const topic = uniqueName('topic');
    const half = await sendHalf(topic, 'asked', { UNIQ_KEY: 'ID2' });
    const rolledBack = await sendHalf(topic, 'no');
    await end(rolledBack, ROLLBACK);
    await online();
    const { header, message } = await waitFor(() => checks[0], 'a check');
    expect(header).toMatchObject({ msgId: 'ID2', transactionId: 'ID2' });
    expect(header.tranStateTableOffset).toBeGreaterThan(half.queueOffset);
    expect(message).toMatchObject({ topic, queueId: 2, msgId: 'ID2', queueOffset: header.tranStateTableOffset });
    expect(message.body.toString()).toBe('asked');
    await answer(header, 0);
    const again = await waitFor(() => checks[1], 'a second check');
    expect(Number(again.message.properties.TRANSACTION_CHECK_TIMES)).toBeGreaterThan(1);
    await answer(again.header, COMMIT);
    // Ends that come late: of the half message as it was sent first, and of a former check.
    await end(half, COMMIT);
    await answer(header, COMMIT);
    expect((await stored(topic, 2)).map(({ body }) => body.toString())).toEqual(['asked']);
    const seen = checks.length;
    const probe = await sendHalf(topic, 'probe', { UNIQ_KEY: 'ID3' });
    await waitFor(() => checks.slice(seen).find((check) => check.header.msgId === 'ID3'), 'the check of the probe');
    expect(checks.slice(seen).filter((check) => check.header.msgId !== 'ID3')).toEqual([]);
    await end(probe, ROLLBACK);
  });

  it('are left alone as long as their immunity lasts', async () => {
    await start(SOON);
    await online();
    const topic = uniqueName('topic');
    const immune = await sendHalf(topic, 'later', { CHECK_IMMUNITY_TIME_IN_SECONDS: '60' });
    const over = await sendHalf(topic, 'over', { CHECK_IMMUNITY_TIME_IN_SECONDS: '0', UNIQ_KEY: 'OVER' });
    const sentMs = Date.now();
    const check = await waitFor(() => checks[0], 'a check');
    expect(checks.every(({ header }) => header.msgId === 'OVER')).toBe(true);
    await waitFor(() => Date.now() > sentMs + SOON.transactionTimeOut + 10, 'the end of its time');
    // Its own end comes too late now; that of the check does not.
    expect((await end(over, COMMIT)).code).toBe(ResponseCode.ILLEGAL_OPERATION);
    await answer(check.header, COMMIT);
    const postponed = await waitFor(
      async () => (await stored(TRANS_HALF_TOPIC, 0)).find(({ properties }) => properties.TRAN_PREPARED_QUEUE_OFFSET),
      'the immune half message at the end of the queue',
    );
    expect(postponed.properties.TRAN_PREPARED_QUEUE_OFFSET).toBe(String(immune.queueOffset));
    expect((await end(immune, COMMIT)).code).toBe(ResponseCode.SUCCESS);
    expect((await stored(topic, 2)).map(({ body }) => body.toString()).sort()).toEqual(['later', 'over']);
  });

  it('are set aside after transactionCheckMax checks, and asked about again when an administrator wants it', async () => {
    await start({ ...SOON, transactionCheckMax: 2 });
    await online();
    const topic = uniqueName('topic');
    const half = await sendHalf(topic, 'nobody knows');
    const aside = await waitFor(async () => (await stored(TRANS_CHECK_MAX_TIME_TOPIC, 0))[0], 'the message set aside');
    expect(checks).toHaveLength(2);
    expect(aside.body.toString()).toBe('nobody knows');
    await end(half, COMMIT);
    expect(await stored(topic, 2)).toEqual([]);
    const resumed = await client.request(
      RequestCode.RESUME_CHECK_HALF_MESSAGE,
      encodeResumeCheckHalfMessageRequest({ msgId: aside.offsetMsgId }),
    );
    expect(resumed.code).toBe(ResponseCode.SUCCESS);
    const { header } = await waitFor(() => checks[2], 'a check after the resumption');
    await answer(header, COMMIT);
    expect((await stored(topic, 2)).map(({ body }) => body.toString())).toEqual(['nobody knows']);
    const unknown = await client.request(
      RequestCode.RESUME_CHECK_HALF_MESSAGE,
      encodeResumeCheckHalfMessageRequest({ msgId: half.msgId.replace(/.{8}$/, '7FFFFFFF') }),
    );
    expect(unknown.code).toBe(ResponseCode.SYSTEM_ERROR);
  });

  it('go on after a restart: what is open is asked about, what is ended is not', async () => {
    const storeRoot = mkdtempSync(join(tmpdir(), 'rocknest-transactions-'));
    try {
      await start({ ...NEVER, transactionOpBatchInterval: 3_600_000 }, storeRoot);
      const topic = uniqueName('topic');
      const halves = await Promise.all(
        Array.from({ length: 100 }, (_, i) => sendHalf(topic, `m${i}`, { UNIQ_KEY: `T${i}` })),
      );
      for (const [i, half] of halves.entries()) if (i % 10 !== 3) await end(half, i % 2 === 0 ? COMMIT : ROLLBACK);
      await stop();
      await start(SOON, storeRoot);
      await online();
      const asked = (): Set<string | undefined> => new Set(checks.map(({ header }) => header.msgId));
      await waitFor(() => asked().size === 10, 'checks of the open ones');
      expect([...asked()].sort()).toEqual(Array.from({ length: 10 }, (_, i) => `T${i * 10 + 3}`).sort());
    } finally {
      await stop();
      rmSync(storeRoot, { recursive: true, force: true });
    }
  });
});
