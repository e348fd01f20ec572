import {
  ConsumeResult,
  LitePullConsumer,
  LocalTransactionState,
  MQAdmin,
  PopConsumer,
  PullConsumer,
  silentLogger,
  type MessageExt,
} from '@rocknest/client-core';
import { startCluster, type RunningCluster } from '@rocknest/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { idOf, isChildOf, linkedIds, TelemetrySdk } from '../support/telemetry-sdk.js';
import { waitFor } from '../support/wait-for.js';
import { Clients, uniqueName } from './support/clients.js';

const { COMMIT_MESSAGE, ROLLBACK_MESSAGE, UNKNOWN } = LocalTransactionState;
const openTelemetry = true;
const sendMsgTimeoutMs = 30_000;

describe('spans of clients', () => {
  let sdk: TelemetrySdk;
  let cluster: RunningCluster;
  let clients: Clients;

  const topicOf = async (name: string): Promise<string> => {
    const topic = uniqueName(name);
    const admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr });
    await admin.start();
    await admin.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
    await admin.shutdown();
    return topic;
  };

  beforeAll(async () => {
    sdk = new TelemetrySdk();
    cluster = await startCluster({ broker: { transactionTimeOut: 100, transactionCheckInterval: 50 } });
    clients = new Clients(cluster.namesrvAddr);
  });
  afterEach(() => sdk.reset());
  afterAll(async () => {
    await clients?.shutdown();
    await cluster?.stop();
    sdk.remove();
  });

  it('tell how transactions end, and what brokers ask about them', async () => {
    const topic = await topicOf('transactions');
    const asked: string[] = [];
    const producer = await clients.producer({
      openTelemetry,
      sendMsgTimeoutMs,
      transactionListener: {
        executeLocalTransaction(_, state) {
          sdk.mark('local work');
          return state as LocalTransactionState;
        },
        checkLocalTransaction: async ({ body }) => {
          asked.push(body.toString());
          sdk.mark('lookup');
          if (asked.length === 1) throw new RangeError('not known yet');
          return COMMIT_MESSAGE;
        },
      },
    });
    const unasked = { checkImmunityTimeSeconds: 600 };
    await sdk.within('request', async () => {
      await producer.sendMessageInTransaction({ topic, body: 'now' }, COMMIT_MESSAGE, unasked);
      await producer.sendMessageInTransaction({ topic, body: 'never' }, ROLLBACK_MESSAGE, unasked);
    });
    const request = await sdk.the('request');
    const ended = [
      ...(await sdk.all(`send ${topic}`, 2)),
      await sdk.the(`commit ${topic}`),
      await sdk.the(`rollback ${topic}`),
    ];
    expect(ended.map((span) => isChildOf(span, request))).toEqual([true, true, true, true]);
    expect(sdk.named('local work').map((span) => isChildOf(span, request))).toEqual([true, true]);
    expect(ended.map(({ attributes }) => attributes['messaging.rocketmq.message.type'])).toEqual(
      Array<string>(4).fill('transaction'),
    );
    sdk.reset();
    await producer.sendMessageInTransaction({ topic, body: 'asked' }, UNKNOWN);
    const commit = await sdk.the(`commit ${topic}`);
    const send = await sdk.the(`send ${topic}`);
    const checks = sdk.named(`check ${topic}`);
    expect(checks.map(({ status, attributes }) => [status.code, attributes['error.type']])).toEqual([
      [2, 'RangeError'],
      [0, undefined],
    ]);
    expect([...checks, commit].map((span) => isChildOf(span, send))).toEqual([true, true, true]);
    expect(sdk.named('lookup').map((span, index) => isChildOf(span, checks[index]))).toEqual([true, true]);
    expect(sdk.named(`postpone ${topic}`)).toHaveLength(2);
  });

  it('go from a question to its answer and back', async () => {
    const topic = await topicOf('questions');
    const [asker, replier] = [
      await clients.producer({ openTelemetry, sendMsgTimeoutMs }),
      await clients.producer({ openTelemetry, sendMsgTimeoutMs }),
    ];
    await clients.consumer(topic, { openTelemetry }, async ([question]) => {
      await replier.reply(question, { body: 'answer' });
      return ConsumeResult.CONSUME_SUCCESS;
    });
    await sdk.within('page', () => asker.request({ topic, body: 'question' }, { timeoutMs: 30_000 }));
    const [page, request, send, process] = await Promise.all(
      ['page', `request ${topic}`, `send ${topic}`, `process ${topic}`].map((name) => sdk.the(name)),
    );
    const reply = sdk.ended.find(({ name }) => name.startsWith('reply '))!;
    expect([
      isChildOf(request, page),
      isChildOf(send, request),
      isChildOf(process, send),
      isChildOf(reply, process),
    ]).toEqual([true, true, true, true]);
    expect(linkedIds(request)).toEqual([idOf(reply)]);
    const ids = [request, process, reply].map(({ attributes }) => attributes['messaging.message.conversation_id']);
    expect(ids).toEqual(Array<unknown>(3).fill(ids[0]));
    expect(ids[0]).toBeTypeOf('string');
    const nobody = await topicOf('nobody');
    await expect(asker.request({ topic: nobody, body: 'x' }, { timeoutMs: 500 })).rejects.toThrow('no reply');
    const inVain = await sdk.the(`request ${nobody}`);
    expect([inVain.status.code, inVain.attributes['error.type']]).toEqual([2, 'REQUEST_TIMEOUT']);
  });

  it('tell what consumers were asked for, with links to the senders, and what is settled', async () => {
    const topic = await topicOf('asked');
    const producer = await clients.producer({ openTelemetry, sendMsgTimeoutMs });
    for (const n of [1, 2]) await producer.send({ topic, body: String(n) });
    const sent = (await sdk.all(`send ${topic}`, 2)).map(idOf);
    const options = { namesrvAddr: cluster.namesrvAddr, openTelemetry, logger: silentLogger };
    const consumeFromWhere = 'CONSUME_FROM_FIRST_OFFSET';

    const pull = new PullConsumer({ ...options, group: uniqueName('pull') });
    await pull.start();
    const [queue] = await pull.fetchSubscribeMessageQueues(topic);
    await pull.pull(queue, '*', 0, 32);
    const { messages } = await pull.pull(queue, '*', 2, 32);
    expect(messages).toEqual([]);
    await pull.shutdown();

    const lite = new LitePullConsumer({ ...options, group: uniqueName('lite'), consumeFromWhere });
    await lite.subscribe(topic);
    await lite.start();
    let polled: MessageExt[] = [];
    while (polled.length < 2) polled = [...polled, ...(await lite.poll())];
    await lite.shutdown();

    const pop = new PopConsumer({ ...options, group: uniqueName('pop'), consumeFromWhere });
    await pop.start();
    const popped = await waitFor(async () => {
      const found = await pop.pop(topic, { maxMessages: 2 });
      return found.length > 0 ? found : undefined;
    }, 'a pop');
    await pop.changeInvisibleTime(popped[0], 30_000);
    await pop.ack(popped[0]);
    await pop.shutdown();

    const received = sdk.named(`receive ${topic}`);
    const links = received.flatMap(linkedIds);
    expect(new Set(links)).toEqual(new Set(sent));
    expect(links.length).toBeGreaterThanOrEqual(5);
    expect(received.map(({ kind, status }) => [kind, status.code])).toEqual(received.map(() => [2, 0]));
    for (const name of ['change_invisible_time', 'ack']) {
      const settled = await sdk.the(`${name} ${topic}`);
      expect(settled.attributes).toMatchObject({
        'messaging.operation.type': 'settle',
        'messaging.message.id': popped[0].msgId,
      });
      expect(sent).toContain(linkedIds(settled)[0]);
    }
  });

  it('tell of recalls, and of what failed', async () => {
    const topic = await topicOf('recalled');
    const producer = await clients.producer({ openTelemetry, sendMsgTimeoutMs });
    const { recallHandle } = await producer.send({ topic, body: 'later', delayTimeMs: 600_000 });
    await producer.recallMessage(topic, recallHandle!);
    expect((await sdk.the(`recall ${topic}`)).status.code).toBe(0);
    sdk.reset();
    await expect(producer.recallMessage(topic, 'none')).rejects.toThrow('no recall handle');
    const failed = await sdk.the(`recall ${topic}`);
    expect([failed.status.code, failed.attributes['error.type']]).toEqual([2, 'INVALID_ARGUMENT']);
    const pull = new PullConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group: uniqueName('pull'),
      openTelemetry,
      logger: silentLogger,
    });
    await pull.start();
    const queue = { topic, brokerName: 'nowhere', queueId: 0 };
    await expect(pull.pull(queue, '*', 0, 1)).rejects.toThrow();
    expect((await sdk.the(`receive ${topic}`)).status.code).toBe(2);
    await pull.shutdown();
  });
});
