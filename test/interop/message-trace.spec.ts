import { MQAdmin, Producer, PushConsumer, type TraceEntry } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { Lab } from './support/lab.js';
import { startOfficialCluster } from './support/official-cluster.js';
import { requireToolchain } from './support/toolchain.js';

const WAIT_MS = 60_000;
const VERSIONS = ['4.9.8', '5.4.0'];
const RECALL_AFTER_MS = 600_000;
/** Clients write here by themselves; a broker has it with `traceTopicEnable`. */
const TRACE_TOPIC = 'RMQ_SYS_TRACE_TOPIC';
const CUSTOM_TOPIC = 'interop-trace-records';
const BROKER = { traceTopicEnable: true, autoCreateTopicEnable: false, recallMessageEnable: true };

/** Without it the official client does not trace its recalls. */
const systemProperties = { 'com.rocketmq.recall.default.trace.enable': true };

/** Unique ids by what became of the messages. */
type Ids = Record<'sent' | 'commit' | 'rollback' | 'recall', string>;

/** What the official tool and decoder make of an entry. */
interface View {
  type: string;
  group: string;
  status: string;
  keys: string;
  topic: string;
  tags: string;
  kind: string;
  transactionId: string;
  state: string;
}

/** Our client does everything that is traced: a message that is handled the second time, two transactions, and a recall. */
async function write(namesrvAddr: string, topic: string, customizedTraceTopic: string | undefined): Promise<Ids> {
  const common = { namesrvAddr, enableMsgTrace: true, ...(customizedTraceTopic && { customizedTraceTopic }) };
  const producer = new Producer({
    ...common,
    group: 'PID_ours',
    sendMsgTimeoutMs: 30_000,
    transactionListener: {
      executeLocalTransaction: ({ body }) => (body.toString() === 'commit' ? 'COMMIT_MESSAGE' : 'ROLLBACK_MESSAGE'),
      checkLocalTransaction: () => 'UNKNOWN',
    },
  });
  const consumer = new PushConsumer({ ...common, group: 'GID_ours', consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
  const bodies: string[] = [];
  consumer.subscribe(topic);
  consumer.registerMessageListener(([{ body }], context) => {
    context.delayLevelWhenNextConsume = 1;
    const isFirst = !bodies.includes(body.toString());
    bodies.push(body.toString());
    return isFirst && body.toString() === 'sent' ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS';
  });
  const message = (body: string) => ({ topic, tags: 'tag', keys: ['key'], body });
  try {
    await producer.start();
    await consumer.start();
    const sent = await producer.send(message('sent'));
    const commit = await producer.sendMessageInTransaction(message('commit'));
    const rollback = await producer.sendMessageInTransaction(message('rollback'));
    const later = await producer.send({ ...message('recall'), delayTimeMs: RECALL_AFTER_MS });
    await producer.recallMessage(topic, later.recallHandle ?? '');
    await expect(producer.recallMessage(CUSTOM_TOPIC, later.recallHandle ?? '')).rejects.toThrow();
    await waitFor(() => bodies.length >= 3, 'all deliveries', WAIT_MS);
    return { sent: sent.msgId, commit: commit.msgId, rollback: rollback.msgId, recall: later.msgId };
  } finally {
    await consumer.shutdown();
    await producer.shutdown();
    expect(producer.droppedTraces + consumer.droppedTraces).toBe(0);
  }
}

const outlineOf = ({ context }: TraceEntry): string => {
  if (context.traceType === 'EndTransaction') return `EndTransaction ${context.transactionState}`;
  return 'success' in context ? `${context.traceType} ${String(context.success)}` : context.traceType;
};

describe.each([
  { name: 'Rocknest', start: () => startRocknestCluster(BROKER) },
  { name: 'the official broker', start: () => startOfficialCluster({ brokerConfig: BROKER }) },
])('message traces on $name (item 6: message trace)', ({ start }) => {
  let cluster: { namesrvAddr: string; stop(): Promise<void> };
  let admin: MQAdmin;
  const labs = new Map<string, Lab>();

  beforeAll(async () => {
    requireToolchain();
    cluster = await start();
    const { namesrvAddr } = cluster;
    admin = new MQAdmin({ namesrvAddr });
    await admin.start();
    const ofVersions = VERSIONS.map((version) => `interop-traced-${version}`.replaceAll('.', '_'));
    for (const topic of ['interop-traced-default', 'interop-traced-custom', CUSTOM_TOPIC, ...ofVersions]) {
      await admin.createTopic(topic);
    }
    await Promise.all(
      VERSIONS.map(async (version) => labs.set(version, await Lab.start(version, namesrvAddr, { systemProperties }))),
    );
  });

  afterAll(async () => {
    await Promise.all([...labs.values()].map((lab) => lab.stop()));
    await admin?.shutdown();
    await cluster?.stop();
  });

  it.each([
    ['the topic that the broker has for them', 'interop-traced-default', undefined],
    ['a topic of their own', 'interop-traced-custom', CUSTOM_TOPIC],
  ])(
    'of our client, in %s, are read by the official tools 4.9.8 and 5.4.0, and by ours: sends, deliveries, transactions and recalls',
    async (_, topic, customTopic) => {
      const traceTopic = customTopic ?? TRACE_TOPIC;
      const ids = await write(cluster.namesrvAddr, topic, customTopic);
      const pub = { type: 'Pub', group: 'PID_ours', status: 'success', topic, keys: 'key', tags: 'tag' };
      const handled = (success: string) => [
        { type: 'SubBefore', group: 'GID_ours', keys: 'key' },
        { type: 'SubAfter', group: 'GID_ours', keys: 'key', status: success },
      ];
      const end = { ...pub, type: 'EndTransaction', kind: 'Trans_msg_Commit' };
      const expected: Record<keyof Ids, Partial<View>[]> = {
        sent: [{ ...pub, kind: 'Normal_Msg' }, ...handled('failed'), ...handled('success')],
        commit: [
          { ...pub, kind: 'Trans_Msg_Half' },
          { ...end, state: 'COMMIT_MESSAGE', transactionId: ids.commit },
          ...handled('success'),
        ],
        rollback: [
          { ...pub, kind: 'Trans_Msg_Half' },
          { ...end, state: 'ROLLBACK_MESSAGE', transactionId: ids.rollback },
        ],
        recall: [
          { ...pub, kind: 'Delay_Msg' },
          { type: 'Recall', group: 'PID_ours', status: 'success', topic },
          { type: 'Recall', group: 'PID_ours', status: 'failed', topic: CUSTOM_TOPIC },
        ],
      };
      for (const [version, lab] of labs) {
        for (const fate of Object.keys(expected) as (keyof Ids)[]) {
          // Clients of 4.x know no recalls, and pass them over.
          const wanted = expected[fate].filter(({ type }) => type !== 'Recall' || version === '5.4.0');
          const views = await lab.ask<View[]>('trace.read', { 'trace-topic': traceTopic, id: ids[fate] });
          expect(views, `${version} ${fate}`).toHaveLength(wanted.length);
          expect(views, `${version} ${fate}`).toEqual(
            expect.arrayContaining(wanted.map((view) => expect.objectContaining(view) as View)),
          );
        }
      }
      const outlines = Object.entries(ids).map(async ([fate, id]) => [
        fate,
        (await admin.traceOf(id, { traceTopic })).map(outlineOf),
      ]);
      expect(Object.fromEntries(await Promise.all(outlines))).toEqual({
        sent: ['Pub true', 'SubBefore', 'SubAfter false', 'SubBefore', 'SubAfter true'],
        commit: ['Pub true', 'EndTransaction COMMIT_MESSAGE', 'SubBefore', 'SubAfter true'],
        rollback: ['Pub true', 'EndTransaction ROLLBACK_MESSAGE'],
        recall: ['Pub true', 'Recall true', 'Recall false'],
      });
    },
  );

  it.each([
    ['4.9.8', CUSTOM_TOPIC],
    ['5.4.0', undefined],
  ])(
    'of the official client %s are read by ours: sends, deliveries, transactions and recalls',
    async (version, custom) => {
      const lab = labs.get(version)!;
      const recall = version === '5.4.0';
      const [topic, group, pid] = ['interop-traced', 'GID_java', 'PID_java'].map((name) => lab.name(name));
      const ids = await lab.ask<Ids>('trace.write', {
        topic,
        group,
        'producer-group': pid,
        ...(recall && { 'recall-from': CUSTOM_TOPIC }),
        ...(custom && { 'trace-topic': custom }),
      });
      const outlines: Record<string, string[]> = {
        sent: ['Pub true', 'SubBefore', 'SubAfter true'],
        commit: ['Pub true', 'EndTransaction COMMIT_MESSAGE', 'SubBefore', 'SubAfter true'],
        rollback: ['Pub true', 'EndTransaction ROLLBACK_MESSAGE'],
        ...(recall && { recall: ['Pub true', 'Recall true', 'Recall false'] }),
      };
      expect(Object.keys(ids).sort()).toEqual(Object.keys(outlines).sort());
      for (const [fate, outline] of Object.entries(outlines)) {
        const entries = await waitFor(
          async () => {
            const found = await admin.traceOf(ids[fate as keyof Ids], { traceTopic: custom ?? TRACE_TOPIC });
            return found.length >= outline.length ? found : undefined;
          },
          `the trace of ${fate}`,
          WAIT_MS,
        );
        expect(entries.map(outlineOf).sort(), fate).toEqual([...outline].sort());
        expect(entries[0].context).toMatchObject({ groupName: pid, topic, tags: 'tag', keys: 'key' });
        const end = entries.find(({ context }) => context.traceType === 'EndTransaction');
        if (end)
          expect(end.context).toMatchObject({
            groupName: pid,
            transactionId: ids[fate as keyof Ids],
            fromTransactionCheck: false,
          });
      }
    },
  );
});
