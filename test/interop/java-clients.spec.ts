import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectComplete, firstReceived, JavaConsumerGroup } from './support/consumer-group.js';
import { JavaClient } from './support/java-client.js';
import { requireToolchain } from './support/toolchain.js';
import { startTarget, type Target } from './support/target.js';

const MESSAGES = 100_000;
const QUEUES = 8;

let target: Target;

beforeAll(async () => {
  requireToolchain();
  target = await startTarget();
});

afterAll(async () => {
  await target?.stop();
});

describe.each(['4.9.8', '5.4.0'])('the official Java client %s', (version) => {
  const name = (text: string): string => `${text}-${version.replaceAll('.', '_')}`;
  let client: JavaClient;

  beforeAll(() => {
    client = new JavaClient(version, target.namesrvAddr);
  });

  afterAll(async () => {
    await client?.stop();
  });

  it('creates topics, as a tool and as an application', async () => {
    const byAdmin = await client.run('create-topic', { topic: name('by-admin'), queues: QUEUES, via: 'admin' });
    expect(byAdmin).toMatchObject({ queues: QUEUES, brokers: 1 });
    const byProducer = await client.run('create-topic', { topic: name('by-producer'), queues: 5, via: 'producer' });
    expect(byProducer).toMatchObject({ queues: 5, brokers: 1 });
  });

  it(`sends ${MESSAGES} messages in every way, and a group of three members receives each one unchanged`, async () => {
    const topic = name('spine');
    await client.run('create-topic', { topic, queues: QUEUES });
    const group = JavaConsumerGroup.start(client, [1, 2], { topic, group: name('GID_spine'), seed: 'spine' });
    await group.waitUntilBalanced(QUEUES);
    const sent = await client.run('produce', { topic, seed: 'spine', count: MESSAGES, mode: 'mixed' });
    expect(sent).toMatchObject({ sent: MESSAGES, failed: 0, firstError: null });
    await group.waitForMessages(MESSAGES);
    const result = await group.finish(MESSAGES);
    console.log(
      `Java ${version} on ${target.name}: sent in ${String(sent.elapsedMs)} ms, members got ${result.perMember.join(' + ')}, ` +
        `${result.duplicates} twice`,
    );
    expectComplete(result, MESSAGES);
    expect(result.perMember.every((count) => count > 0)).toBe(true);
    expect(result.queues).toHaveLength(QUEUES);
    for (const queue of result.queues) {
      expect(queue.minOffset, queue.queue).toBe(0);
      expect(queue.distinct, `offsets of ${queue.queue} have no holes`).toBe(queue.maxOffset + 1);
    }
  });

  it('goes on after the last member of a group left, without a gap', async () => {
    const topic = name('resumed');
    await client.run('create-topic', { topic, queues: 4 });
    const options = { topic, group: name('GID_resumed'), seed: 'resumed' };
    for (const from of [0, 2_000]) {
      const sent = await client.run('produce', { topic, seed: 'resumed', from, count: 2_000, mode: 'async' });
      expect(sent).toMatchObject({ sent: 2_000, failed: 0 });
      const received = await client.run('consume', { ...options, expect: 2_000, 'timeout-ms': 120_000 });
      expect(received).toMatchObject({ end: 'complete', distinct: 2_000, duplicates: 0, different: 0 });
      expect(firstReceived(received), 'nothing of the last time comes again').toBe(from);
    }
  });

  it('receives only the tags that it subscribed', async () => {
    const topic = name('tagged');
    await client.run('create-topic', { topic, queues: 4 });
    await client.run('produce', { topic, seed: 'tagged', count: 1_000, mode: 'sync' });
    const received = await client.run('consume', {
      topic,
      group: name('GID_tagged'),
      seed: 'tagged',
      expression: 'Tag1 || Tag3',
      expect: 400,
      'timeout-ms': 60_000,
    });
    expect(received).toMatchObject({ end: 'complete', distinct: 400, duplicates: 0, different: 0 });
  });

  it('gets a message again whose listener failed, with reconsumeTimes counted up', async () => {
    const topic = name('retried');
    await client.run('create-topic', { topic, queues: 4 });
    const result = await client.run('retry', {
      topic,
      group: name('GID_retried'),
      seed: 'retried',
      count: 20,
      'delay-level': 1,
    });
    expect(result).toMatchObject({ handled: 20, difference: null, byReconsumeTimes: { 0: 20, 1: 20 } });
  });
});
