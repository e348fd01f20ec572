import { MQAdmin, Producer, PushConsumer } from '@rocknest/client-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startRocknestCluster } from '../support/rocknest-process.js';
import { TelemetrySdk } from '../support/telemetry-sdk.js';
import { JavaClient } from './support/java-client.js';
import { startOfficialCluster } from './support/official-cluster.js';
import { requireToolchain } from './support/toolchain.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';

describe.each([
  { name: 'Rocknest', start: () => startRocknestCluster() },
  { name: 'the official broker', start: () => startOfficialCluster() },
])('trace contexts on $name (item 6: OpenTelemetry)', ({ start }) => {
  const topics = { java: 'interop-contexts-java', ours: 'interop-contexts-ours' };
  let sdk: TelemetrySdk;
  let cluster: { namesrvAddr: string; stop(): Promise<void> };
  let java: JavaClient;

  beforeAll(async () => {
    requireToolchain();
    sdk = new TelemetrySdk();
    cluster = await start();
    java = new JavaClient('5.4.0', cluster.namesrvAddr);
    const admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr });
    await admin.start();
    for (const topic of Object.values(topics)) await admin.createTopic(topic);
    await admin.shutdown();
  });
  afterEach(() => sdk.reset());
  afterAll(async () => {
    await java?.stop();
    await cluster?.stop();
    sdk?.remove();
  });

  it('of the official client become the parent of our handler', async () => {
    const topic = topics.java;
    const consumer = new PushConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group: 'GID_contexts',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      openTelemetry: true,
    });
    consumer.subscribe(topic);
    consumer.registerMessageListener(() => 'CONSUME_SUCCESS');
    await consumer.start();
    const options = { topic, traceparent: `00-${TRACE_ID}-${SPAN_ID}-01`, tracestate: 'vendor=1' };
    const { msgId } = await java.run('trace-context-send', options);
    const handled = await sdk.the(`process ${topic}`);
    expect(handled.spanContext().traceId).toBe(TRACE_ID);
    expect(handled.parentSpanContext?.spanId).toBe(SPAN_ID);
    expect(handled.attributes['messaging.message.id']).toBe(msgId);
    await consumer.shutdown();
  });

  it('of our client are user properties for the official one', async () => {
    const topic = topics.ours;
    const producer = new Producer({
      namesrvAddr: cluster.namesrvAddr,
      group: 'PID_contexts',
      sendMsgTimeoutMs: 30_000,
      openTelemetry: true,
    });
    await producer.start();
    const { msgId } = await producer.send({ topic, body: 'ours' });
    await producer.shutdown();
    const receiver = java.start('trace-context-receive', { topic, group: 'GID_contexts_java' });
    await receiver.result();
    const { traceId, spanId } = (await sdk.the(`send ${topic}`)).spanContext();
    expect(receiver.events.filter(({ event }) => event === 'message')).toMatchObject([
      { traceparent: `00-${traceId}-${spanId}-01`, msgId },
    ]);
  });
});
