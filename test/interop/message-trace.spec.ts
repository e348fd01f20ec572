import { MQAdmin, Producer, PushConsumer, type TraceEntry } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { JavaClient } from './support/java-client.js';
import { startOfficialCluster } from './support/official-cluster.js';
import { requireToolchain } from './support/toolchain.js';

const TRACE_TOPIC = 'interop-trace-records';

/** Our client sends a message, fails on it once and handles it then; all of it is traced. */
async function traced(namesrvAddr: string, topic: string): Promise<string> {
  const trace = { namesrvAddr, enableMsgTrace: true, customizedTraceTopic: TRACE_TOPIC };
  const producer = new Producer({ ...trace, group: 'PID_ours', sendMsgTimeoutMs: 30_000 });
  const consumer = new PushConsumer({ ...trace, group: 'GID_ours', consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
  let deliveries = 0;
  consumer.subscribe(topic);
  consumer.registerMessageListener((_, context) => {
    context.delayLevelWhenNextConsume = 1;
    return ++deliveries === 1 ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS';
  });
  try {
    await producer.start();
    await consumer.start();
    const { msgId } = await producer.send({ topic, tags: 'tag', keys: ['key'], body: 'traced' });
    await waitFor(() => deliveries === 2, 'the second delivery', 60_000);
    return msgId;
  } finally {
    await consumer.shutdown();
    await producer.shutdown();
    expect(producer.droppedTraces + consumer.droppedTraces).toBe(0);
  }
}

const outlineOf = ({ context }: TraceEntry): string =>
  'success' in context ? `${context.traceType} ${String(context.success)}` : context.traceType;

describe.each([
  { name: 'Rocknest', start: () => startRocknestCluster() },
  { name: 'the official broker', start: () => startOfficialCluster() },
])('message traces on $name (item 6: message trace)', ({ start }) => {
  let cluster: { namesrvAddr: string; stop(): Promise<void> };
  let java: JavaClient;
  let admin: MQAdmin;

  beforeAll(async () => {
    requireToolchain();
    cluster = await start();
    java = new JavaClient('5.4.0', cluster.namesrvAddr);
    admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr });
    await admin.start();
    for (const topic of ['interop-traced', TRACE_TOPIC]) await admin.createTopic(topic);
  });

  afterAll(async () => {
    await java?.stop();
    await admin?.shutdown();
    await cluster?.stop();
  });

  it('of our client are read by the official tool, and by ours', async () => {
    const msgId = await traced(cluster.namesrvAddr, 'interop-traced');
    const query = java.start('trace-query', { id: msgId, 'trace-topic': TRACE_TOPIC });
    await query.result();
    const views = query.events.filter(({ event }) => event === 'view');
    const shown = views.map(({ type, group, status }) => `${String(type)} ${String(group)} ${String(status)}`).sort();
    expect(shown).toEqual([
      'Pub PID_ours success',
      'SubAfter GID_ours failed',
      'SubAfter GID_ours success',
      'SubBefore GID_ours success',
      'SubBefore GID_ours success',
    ]);
    expect(views.find(({ type }) => type === 'Pub')).toMatchObject({
      keys: 'key',
      tags: 'tag',
      topic: 'interop-traced',
    });
    const entries = await admin.traceOf(msgId, { traceTopic: TRACE_TOPIC });
    const outline = ['Pub true', 'SubBefore', 'SubAfter false', 'SubBefore', 'SubAfter true'];
    expect(entries.map(outlineOf)).toEqual(outline);
  });

  it('of the official client are read by ours', async () => {
    const options = {
      topic: 'interop-traced',
      group: 'GID_java',
      'producer-group': 'PID_java',
      'trace-topic': TRACE_TOPIC,
    };
    const { msgId } = await java.run('trace', options);
    const traces = (): Promise<TraceEntry[]> => admin.traceOf(String(msgId), { traceTopic: TRACE_TOPIC });
    const entries = await waitFor(async () => {
      const found = await traces();
      return found.length >= 3 ? found : undefined;
    }, 'three entries');
    expect(entries.map(outlineOf)).toEqual(['Pub true', 'SubBefore', 'SubAfter true']);
    expect(entries[0].context).toMatchObject({
      groupName: 'PID_java',
      topic: 'interop-traced',
      tags: 'tag',
      keys: 'key',
    });
  });
});
