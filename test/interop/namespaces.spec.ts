import {
  LitePullConsumer,
  MQAdmin,
  PopConsumer,
  Producer,
  PullConsumer,
  PushConsumer,
  silentLogger,
  wrapNamespace,
} from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { Lab, type Delivery } from './support/lab.js';
import { startOfficialCluster } from './support/official-cluster.js';
import { startTarget, type Target } from './support/target.js';
import { requireToolchain } from './support/toolchain.js';

const NAMESPACE = 'shop';
const COUNT = 8;
const WAIT_MS = 60_000;

const CLUSTERS = {
  'our broker': { versions: ['4.9.8', '5.4.0'], start: () => startTarget() },
  'the official broker': { versions: ['5.4.0'], start: () => startOfficialCluster() },
};

describe.each(Object.entries(CLUSTERS))('namespaces on %s (item 1: sending)', (_name, { versions, start }) => {
  let cluster: Pick<Target, 'namesrvAddr' | 'stop'>;
  const labs: Lab[] = [];

  beforeAll(async () => {
    requireToolchain();
    cluster = await start();
  });

  afterAll(async () => {
    await Promise.all(labs.map((lab) => lab.stop()));
    await cluster?.stop();
  });

  it.each(versions)(
    'what the official client %s and ours send in a namespace the other one gets in the same namespace, without it in the names, also when it is retried',
    async (version) => {
      const { namesrvAddr } = cluster;
      const lab = await Lab.start(version, namesrvAddr);
      labs.push(lab);
      const topic = lab.name('in-namespace');
      const group = lab.name('GID_namespace');
      const admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
      await admin.start();
      await admin.createTopic(wrapNamespace(NAMESPACE, topic), { readQueueNums: 2, writeQueueNums: 2 });

      const got: string[] = [];
      const ours = new PushConsumer({
        namesrvAddr,
        group: `${group}-ours`,
        namespace: NAMESPACE,
        logger: silentLogger,
      });
      ours.subscribe(topic);
      ours.registerMessageListener(([message], context) => {
        got.push(`${message.topic} ${message.body.toString()} ${message.reconsumeTimes}`);
        if (message.reconsumeTimes > 0 || !message.body.toString().endsWith('-0')) return 'CONSUME_SUCCESS';
        context.delayLevelWhenNextConsume = 1;
        return 'RECONSUME_LATER';
      });
      await ours.start();
      const java = { name: 'java', topic, group: `${group}-java`, namespace: NAMESPACE };
      await lab.ask('push.start', java);
      await lab.ask('send.start', { name: 'java', namespace: NAMESPACE, group: lab.name('PID_namespace') });
      const sent = await lab.ask<{ errors: string[] }>('send.many', {
        name: 'java',
        topic,
        body: 'java',
        count: COUNT,
      });
      expect(sent.errors).toEqual([]);
      const producer = new Producer({
        namesrvAddr,
        group: 'PID_namespace',
        namespace: NAMESPACE,
        logger: silentLogger,
      });
      await producer.start();
      for (let i = 0; i < COUNT; i++) {
        const { messageQueue } = await producer.send({ topic, body: `ours-${i}` });
        expect(messageQueue.topic).toBe(topic);
      }

      await lab.waitForBodies('java', 2 * COUNT);
      expect(new Set(lab.begun('java').map((delivery) => delivery.topic))).toEqual(new Set([topic]));
      const expected = ['java', 'ours'].flatMap((from) => [
        ...Array.from({ length: COUNT }, (_, i) => `${topic} ${from}-${i} 0`),
        `${topic} ${from}-0 1`,
      ]);
      await waitFor(() => new Set(got).size >= expected.length, 'every message and two retries', WAIT_MS);
      expect(new Set(got)).toEqual(new Set(expected));
      const topics = await admin.fetchAllTopicList();
      expect(topics).toContain(`%RETRY%${NAMESPACE}%${group}-ours`);
      expect(topics).not.toContain(topic);
      await producer.shutdown();
      await ours.shutdown();
      await admin.shutdown();
    },
  );

  it('clients of every kind that ask for their messages, and MQAdmin, are in the namespace as the official ones are', async () => {
    const { namesrvAddr } = cluster;
    const lab = await Lab.start('5.4.0', namesrvAddr);
    labs.push(lab);
    const common = { namesrvAddr, namespace: NAMESPACE, logger: silentLogger };
    const from = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;
    const admin = new MQAdmin(common);
    await admin.start();
    const [topic, group] = ['asked-for', 'GID_asking'];
    await admin.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
    await admin.setMessageRequestMode(topic, `${group}-popped`, 'POP');
    const queue = { topic, brokerName: 'broker-a', queueId: 0 };
    const producer = new Producer({ ...common, group: 'PID_asked' });
    await producer.start();
    for (let i = 0; i < COUNT; i++) await producer.send({ topic, keys: `key-${i}`, body: `body-${i}` });
    const expected = Array.from({ length: COUNT }, (_, i) => `${topic} body-${i}`);

    // The official pulling clients.
    await lab.ask('lite.start', { name: 'lite', namespace: NAMESPACE, group: `${group}-java`, topic, subscribe: true });
    const polled: Delivery[] = [];
    await waitFor(
      async () => {
        polled.push(...(await lab.ask<Delivery[]>('lite.poll', { name: 'lite' })));
        return polled.length >= COUNT;
      },
      'what the official lite pull consumer polls',
      WAIT_MS,
    );
    expect(polled.map((message) => `${message.topic} ${message.body}`)).toEqual(expected);
    await lab.ask('pull.start', { name: 'pull', namespace: NAMESPACE, group: `${group}-pull` });
    const pulled = await lab.ask<{ messages: Delivery[] }>('pull.pull', { name: 'pull', topic, queue: 0, offset: 0 });
    expect(pulled.messages.map((message) => `${message.topic} ${message.body}`)).toEqual(expected);
    await lab.ask('pull.update', { name: 'pull', topic, queue: 0, offset: 3 });
    await lab.ask('pull.persist', { name: 'pull', topic, queue: 0 });

    // Ours: the same group goes on where the official one stands, and is sent a message again.
    const pull = new PullConsumer({ ...common, group: `${group}-pull` });
    await pull.start();
    expect(await pull.fetchMessageQueues(topic)).toEqual([queue]);
    expect(await waitFor(async () => (await pull.fetchConsumeOffset(queue)) === 3, 'the offset', WAIT_MS)).toBe(true);
    const { messages } = await pull.pull(queue, '*', 3, 32);
    expect(messages.map((message) => `${message.topic} ${message.body.toString()}`)).toEqual(expected.slice(3));
    await pull.sendMessageBack(messages[0], -1);
    pull.updateConsumeOffset(queue, COUNT);
    await pull.shutdown();

    const lite = new LitePullConsumer({ ...common, ...from, group: `${group}-lite` });
    await lite.subscribe(topic);
    await lite.start();
    const iterated: string[] = [];
    for await (const message of lite) {
      if (iterated.push(`${message.topic} ${message.body.toString()}`) === COUNT) break;
    }
    expect(iterated).toEqual(expected);
    expect(lite.assignment()).toEqual([queue]);
    await lite.seek(queue, COUNT - 1);
    expect(await lite.committed(queue)).toBe(COUNT - 1);
    await lite.commitOffsets([[queue, COUNT]]);
    await lite.shutdown();

    const pop = new PopConsumer({ ...common, ...from, group: `${group}-pop` });
    await pop.start();
    const popped: string[] = [];
    await waitFor(
      async () => {
        for (const message of await pop.pop(topic, { pollTimeMs: 1_000 })) {
          await pop.changeInvisibleTime(message, 30_000);
          await pop.ack(message);
          popped.push(`${message.topic} ${message.body.toString()}`);
        }
        return popped.length >= COUNT;
      },
      'what is popped',
      WAIT_MS,
    );
    expect(popped.sort()).toEqual(expected);
    await pop.shutdown();

    const pushed: string[] = [];
    const push = new PushConsumer({ ...common, ...from, group: `${group}-popped`, mode: 'pop' });
    push.subscribe(topic);
    push.registerMessageListener(([message], context) => {
      context.delayLevelWhenNextConsume = 1;
      pushed.push(`${message.topic} ${message.body.toString()} ${message.reconsumeTimes}`);
      return pushed.length === 1 ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS';
    });
    await push.start();
    await waitFor(() => pushed.length > COUNT, 'all messages and one again', WAIT_MS);
    expect(new Set(pushed.map((text) => text.slice(0, -2)))).toEqual(new Set(expected));
    await push.shutdown();

    // What MQAdmin says of all this.
    const progress = await admin.examineConsumeStats(`${group}-lite`, topic);
    expect(progress).toMatchObject([{ queue, brokerOffset: COUNT, consumerOffset: COUNT }]);
    expect(await admin.consumerOffset(`${group}-pull`, queue)).toBe(COUNT);
    const { messages: found } = await admin.queryMessage(topic, 'key-1');
    expect(found.map((message) => `${message.topic} ${message.body.toString()}`)).toEqual([expected[1]]);
    expect((await admin.viewMessage(found[0].offsetMsgId)).topic).toBe(topic);
    expect(await admin.resetOffsetByTimestampOld(`${group}-pull`, topic, 0)).toMatchObject([
      { queue, rollbackOffset: 0 },
    ]);
    expect(await admin.examineTopicStats(topic)).toMatchObject([{ queue, maxOffset: COUNT }]);
    const topics = await admin.fetchAllTopicList();
    expect(topics).toEqual(expect.arrayContaining([topic, `%DLQ%${group}-pull`, `%RETRY%${group}-lite`]));
    expect(topics.filter((one) => wrapNamespace(NAMESPACE, one) === one)).toEqual([]);
    const names = new MQAdmin({ namesrvAddr, logger: silentLogger });
    await names.start();
    expect(await names.fetchAllTopicList()).toEqual(
      expect.arrayContaining(topics.map((one) => wrapNamespace(NAMESPACE, one))),
    );
    await Promise.all([names.shutdown(), admin.shutdown(), producer.shutdown()]);
  });

  it('a namespace of the second kind goes in the headers, and the brokers pass it over', async () => {
    const { namesrvAddr } = cluster;
    const lab = await Lab.start('5.4.0', namesrvAddr);
    labs.push(lab);
    const topic = 'in-header';
    const admin = new MQAdmin({ namesrvAddr, namespaceV2: NAMESPACE, logger: silentLogger });
    await admin.start();
    await admin.createTopic(topic, { readQueueNums: 2, writeQueueNums: 2 });
    const got: string[] = [];
    const consumers = [{ namespaceV2: NAMESPACE }, {}].map((own, n) => {
      const consumer = new PushConsumer({ namesrvAddr, group: `GID_header-${n}`, ...own, logger: silentLogger });
      consumer.subscribe(topic);
      consumer.registerMessageListener(([message]) => {
        got.push(`${n} ${message.topic} ${message.body.toString()}`);
        return 'CONSUME_SUCCESS';
      });
      return consumer;
    });
    await Promise.all(consumers.map((consumer) => consumer.start()));
    await lab.ask('push.start', { name: 'java', topic, group: 'GID_header-java', 'namespace-v2': NAMESPACE });
    await lab.ask('send.start', { name: 'java', 'namespace-v2': NAMESPACE, group: 'PID_header-java' });
    const sent = await lab.ask<{ errors: string[] }>('send.many', { name: 'java', topic, body: 'java', count: COUNT });
    expect(sent.errors).toEqual([]);
    for (const serializeType of ['ROCKETMQ', 'JSON'] as const) {
      const own = { namespaceV2: NAMESPACE, serializeType, group: `PID_${serializeType}`, logger: silentLogger };
      const producer = new Producer({ namesrvAddr, ...own });
      await producer.start();
      for (let i = 0; i < COUNT; i++) await producer.send({ topic, body: `${serializeType}-${i}` });
      await producer.sendOneway({ topic, body: `${serializeType}-${COUNT}` });
      await producer.shutdown();
    }
    const bodies = ['java', 'ROCKETMQ', 'JSON'].flatMap((sender) =>
      Array.from({ length: sender === 'java' ? COUNT : COUNT + 1 }, (_, i) => `${topic} ${sender}-${i}`),
    );
    await lab.waitForBodies('java', bodies.length);
    expect(
      lab
        .begun('java')
        .map((message) => `${message.topic} ${message.body}`)
        .sort(),
    ).toEqual([...bodies].sort());
    const expected = [0, 1].flatMap((n) => bodies.map((body) => `${n} ${body}`));
    await waitFor(() => got.length >= expected.length, 'every message at both', WAIT_MS);
    expect([...got].sort()).toEqual(expected.sort());
    await Promise.all(consumers.map((consumer) => consumer.shutdown()));
    await admin.shutdown();
  });
});
