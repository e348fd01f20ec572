import {
  createOffsetMsgId,
  decodeEndTransactionRequest,
  encodeHost,
  type MessageExt,
  type RemotingCommand,
} from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../logger.js';
import type { SendResult } from './send-result.js';
import { TransactionRunner } from './transaction-runner.js';
import { LocalTransactionState, type TransactionListener } from './transaction-types.js';

const { COMMIT_MESSAGE, ROLLBACK_MESSAGE, UNKNOWN } = LocalTransactionState;
const SENT: SendResult = {
  status: 'SEND_OK',
  msgId: 'ID',
  transactionId: 'ID',
  offsetMsgId: createOffsetMsgId(encodeHost('127.0.0.1:10911'), 4_711),
  messageQueue: { topic: 't', brokerName: 'broker-a', queueId: 0 },
  queueOffset: 7,
};
const CHECK = { tranStateTableOffset: 8, commitLogOffset: 4_712, transactionId: 'ID' };
const CHECKED = { msgId: 'ID' } as MessageExt;

function runner(listener: Partial<TransactionListener>, checkRequestHoldMax = 10) {
  const ends: RemotingCommand[] = [];
  const transactions = new TransactionRunner({
    group: 'g',
    listener: { executeLocalTransaction: () => COMMIT_MESSAGE, checkLocalTransaction: () => UNKNOWN, ...listener },
    checkConcurrency: 2,
    checkRequestHoldMax,
    logger: silentLogger,
  });
  const end = (command: RemotingCommand): void => void ends.push(command);
  const run = (sent = SENT) => transactions.run({ topic: 't', body: 'b' }, sent, 'arg', end);
  return { transactions, ends, end, run, headers: () => ends.map((command) => decodeEndTransactionRequest(command)) };
}

describe('TransactionRunner', () => {
  it('ends as the listener says, oneway, at the place of the half message', async () => {
    const seen: unknown[] = [];
    const { run, ends, headers } = runner({
      executeLocalTransaction: (message, arg) => {
        seen.push(message.transactionId, message.body, arg);
        return COMMIT_MESSAGE;
      },
    });
    expect((await run()).localTransactionState).toBe(COMMIT_MESSAGE);
    expect(seen).toEqual(['ID', 'b', 'arg']);
    expect(ends[0].isOneway).toBe(true);
    expect(headers()[0]).toMatchObject({
      producerGroup: 'g',
      tranStateTableOffset: 7,
      commitLogOffset: 4_711,
      commitOrRollback: 8,
      fromTransactionCheck: false,
      msgId: 'ID',
    });
  });

  it('is unknown after a throw, and rolls back without the local part when the half message is not safe', async () => {
    const thrown = runner({ executeLocalTransaction: () => Promise.reject(new Error('no database')) });
    const result = await thrown.run();
    expect(result).toMatchObject({ localTransactionState: UNKNOWN, localException: new Error('no database') });
    expect(thrown.headers()[0].commitOrRollback).toBe(0);
    expect(thrown.ends[0].remark).toContain('no database');
    let called = false;
    const unsafe = runner({ executeLocalTransaction: () => ((called = true), COMMIT_MESSAGE) });
    expect((await unsafe.run({ ...SENT, status: 'FLUSH_DISK_TIMEOUT' })).localTransactionState).toBe(ROLLBACK_MESSAGE);
    expect([called, unsafe.headers()[0].commitOrRollback]).toEqual([false, 12]);
  });

  it('answers checks, so many at once, and takes no more than can wait', async () => {
    const waiting: ((state: LocalTransactionState) => void)[] = [];
    const checked = runner({ checkLocalTransaction: () => new Promise((resolve) => waiting.push(resolve)) }, 3);
    for (let i = 0; i < 9; i++) checked.transactions.check(CHECKED, CHECK, checked.end);
    expect(waiting).toHaveLength(2);
    while (checked.ends.length < 5) {
      waiting.shift()?.(ROLLBACK_MESSAGE);
      await Promise.resolve();
    }
    await checked.transactions.idle();
    expect(checked.ends).toHaveLength(5);
    expect(checked.headers()[0]).toMatchObject({
      tranStateTableOffset: 8,
      commitLogOffset: 4_712,
      commitOrRollback: 12,
      fromTransactionCheck: true,
      msgId: 'ID',
    });
  });
});
