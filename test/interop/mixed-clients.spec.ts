import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { expectComplete, JavaConsumerGroup } from './support/consumer-group.js';
import { expectedMessage } from './support/expected-message.js';
import { JavaClient } from './support/java-client.js';
import { Ledger } from './support/ledger.js';
import { startNestConsumer, startNestProducer } from './support/nest-app.js';
import { startTarget, type Target } from './support/target.js';
import { requireToolchain } from './support/toolchain.js';

const MESSAGES = 20_000;
const QUEUES = 8;
const ARRIVAL_TIMEOUT_MS = 300_000;

let target: Target;

beforeAll(async () => {
  requireToolchain();
  target = await startTarget();
});

afterAll(async () => {
  await target?.stop();
});

describe.each(['4.9.8', '5.4.0'])('with the official Java client %s at the other end', (version) => {
  const name = (text: string): string => `${text}-${version.replaceAll('.', '_')}`;
  let client: JavaClient;

  beforeAll(() => {
    client = new JavaClient(version, target.namesrvAddr);
  });

  afterAll(async () => {
    await client?.stop();
  });

  it(`a Nest handler gets ${MESSAGES} messages that Java sends in every way`, async () => {
    const topic = name('java-to-nest');
    await client.run('create-topic', { topic, queues: QUEUES });
    const ledger = new Ledger(topic);
    const app = await startNestConsumer({ namesrvAddr: target.namesrvAddr, topic, group: name('GID_nest'), ledger });
    const sent = await client.run('produce', { topic, seed: topic, count: MESSAGES, mode: 'mixed' });
    expect(sent).toMatchObject({ sent: MESSAGES, failed: 0, firstError: null });
    await waitFor(() => ledger.distinct >= MESSAGES, `${MESSAGES} messages`, ARRIVAL_TIMEOUT_MS);
    await app.close();
    ledger.expectComplete(MESSAGES);
  });

  it(`Java consumers get ${MESSAGES} messages that a Nest producer sends`, async () => {
    const topic = name('nest-to-java');
    await client.run('create-topic', { topic, queues: QUEUES });
    const group = JavaConsumerGroup.start(client, [2], { topic, group: name('GID_java'), seed: topic });
    await group.waitUntilBalanced(QUEUES);
    const { producer, close } = await startNestProducer(target.namesrvAddr);
    const message = (index: number) => {
      const { tags, keys, flag, body, properties } = expectedMessage(topic, index);
      return { topic, tags, keys, flag, body, properties };
    };
    const half = MESSAGES / 2;
    for (let start = 0; start < half; start += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, at) => producer.send(message(start + at))));
    }
    for (let start = half; start < MESSAGES; start += 50) {
      await producer.send(Array.from({ length: 50 }, (_, at) => message(start + at)));
    }
    await close();
    await group.waitForMessages(MESSAGES);
    expectComplete(await group.finish(MESSAGES), MESSAGES);
  });

  it('a group with a Java and a Nest member shares the messages', async () => {
    const topic = name('shared');
    await client.run('create-topic', { topic, queues: QUEUES });
    const options = { topic, group: name('GID_shared'), seed: topic };
    const java = JavaConsumerGroup.start(client, [1], options);
    const ledger = new Ledger(topic);
    await java.waitUntilBalanced(QUEUES);
    const app = await startNestConsumer({ namesrvAddr: target.namesrvAddr, topic, group: options.group, ledger });
    await java.waitUntilBalanced(QUEUES / 2);
    const sent = await client.run('produce', { topic, seed: topic, count: 4_000, mode: 'sync' });
    expect(sent).toMatchObject({ sent: 4_000, failed: 0 });
    await java.waitForMessages(1);
    await waitFor(
      async () => ledger.distinct > 0 && java.received() + ledger.distinct >= 4_000,
      'all messages',
      ARRIVAL_TIMEOUT_MS,
    );
    const result = await java.finish(4_000);
    await app.close();
    expect(result.distinct + ledger.distinct, 'each message went to one of the two').toBe(4_000);
    expect(result.differences).toEqual([]);
    expect(result.perMember[0]).toBeGreaterThan(0);
  });
});
