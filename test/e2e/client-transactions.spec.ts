import { type Producer, LocalTransactionState, silentLogger, type TransactionListener } from '@rocknest/client-core';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { Clients, uniqueName } from './support/clients.js';

const { COMMIT_MESSAGE, ROLLBACK_MESSAGE, UNKNOWN } = LocalTransactionState;

let cluster: RunningCluster;
let clients: Clients;

beforeAll(async () => {
  cluster = await startCluster({ broker: { transactionTimeOut: 100, transactionCheckInterval: 50 } });
});
afterAll(() => cluster.stop());
afterEach(() => clients.shutdown());

describe('transactions of the producer', () => {
  it('commit, roll back, and are asked about; a delay and a missing listener are refused', async () => {
    clients = new Clients(cluster.namesrvAddr);
    const topic = uniqueName('topic');
    const asked: string[] = [];
    const transactionListener: TransactionListener = {
      executeLocalTransaction: (_message, arg) => arg as LocalTransactionState,
      checkLocalTransaction: (message) => {
        const text = message.body.toString();
        asked.push(text);
        if (text === 'asked twice' && asked.filter((each) => each === text).length < 2) return UNKNOWN;
        return text.startsWith('asked') ? COMMIT_MESSAGE : ROLLBACK_MESSAGE;
      },
    };
    const producer: Producer = await clients.producer({ transactionListener });
    const { received } = await clients.consumer(topic);
    const send = (body: string, state: LocalTransactionState) =>
      producer.sendMessageInTransaction({ topic, body, tags: 'paid' }, state);
    expect(await send('committed', COMMIT_MESSAGE)).toMatchObject({ localTransactionState: COMMIT_MESSAGE });
    await send('rolled back', ROLLBACK_MESSAGE);
    await send('asked', UNKNOWN);
    await send('asked twice', UNKNOWN);
    await send('never was', UNKNOWN);
    await producer.sendMessageInTransaction({ topic, body: Buffer.alloc(100_000, 'c') }, COMMIT_MESSAGE, {
      checkImmunityTimeSeconds: 60,
    });
    await waitFor(() => received.length === 4 && asked.includes('never was'), 'the committed messages and the checks');
    expect(received.map(({ text }) => text.slice(0, 20)).sort()).toEqual([
      'asked',
      'asked twice',
      'c'.repeat(20),
      'committed',
    ]);
    expect(asked.filter((text) => text === 'committed' || text === 'rolled back')).toEqual([]);

    await expect(
      producer.sendMessageInTransaction({ topic, body: 'x', delayTimeLevel: 3 }, COMMIT_MESSAGE),
    ).rejects.toMatchObject({ code: 'MESSAGE_ILLEGAL' });
    const plain = await clients.producer({ logger: silentLogger });
    await expect(plain.sendMessageInTransaction({ topic, body: 'x' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('of a producer that is gone are asked of another member of its group', async () => {
    clients = new Clients(cluster.namesrvAddr);
    const topic = uniqueName('topic');
    const group = uniqueName('group');
    const { received } = await clients.consumer(topic);
    const gone = await clients.producer({
      group,
      instanceName: 'gone',
      shutdownTimeoutMs: 0,
      transactionListener: {
        executeLocalTransaction: () => new Promise(() => {}),
        checkLocalTransaction: () => UNKNOWN,
      },
    });
    void gone.sendMessageInTransaction({ topic, body: 'left behind' }).catch(() => {});
    await waitFor(() => gone.pendingSends === 0, 'the half message');
    await gone.shutdown();
    await clients.producer({
      group,
      instanceName: 'other',
      transactionListener: {
        executeLocalTransaction: () => UNKNOWN,
        checkLocalTransaction: () => COMMIT_MESSAGE,
      },
    });
    await waitFor(() => received.length === 1, 'the message');
    expect(received.map(({ text }) => text)).toEqual(['left behind']);
  });
});
