import { MQAdmin, Producer, PushConsumer, silentLogger, wrapNamespace } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { Lab } from './support/lab.js';
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
});
