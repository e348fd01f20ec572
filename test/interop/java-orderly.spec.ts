import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { JavaClient } from './support/java-client.js';
import { OrderlyGroup, POISON, POISON_DELIVERIES } from './support/orderly-group.js';
import { startTarget, type Target } from './support/target.js';
import { requireToolchain } from './support/toolchain.js';

const QUEUES = 8;
const OF_QUEUE = 500;
const FAIL_EVERY = 100;

let target: Target;

beforeAll(async () => {
  requireToolchain();
  target = await startTarget();
});

afterAll(async () => {
  await target?.stop();
});

describe.each(['4.9.8', '5.4.0'])('orderly consumers of the official Java client %s', (version) => {
  let group: OrderlyGroup | undefined;
  const create = async (topic: string, queues: number): Promise<OrderlyGroup> =>
    (group = await OrderlyGroup.create(target.namesrvAddr, `${topic}-${version.replaceAll('.', '_')}`, queues));

  afterEach(async () => {
    await group?.close();
    group = undefined;
  });

  it('two members keep every order, also when one leaves', async () => {
    const client = new JavaClient(version, target.namesrvAddr);
    const own = await create('java-orderly', QUEUES);
    await own.send(OF_QUEUE);
    const leaveAfter = (QUEUES * OF_QUEUE) / 2;
    const java = await own.joinJava(client, { members: 2, failEvery: FAIL_EVERY, leaveAfter });
    await java.waitFor((event) => event.event === 'left', 'one member to leave');
    await own.whenConsumed();
    await java.finish();
    const report = own.expectOrder(OF_QUEUE);
    expect(report.handled).toBeGreaterThanOrEqual(QUEUES * OF_QUEUE);
    const failed = own.handlings().filter((handling) => !handling.ok);
    expect(failed.length).toBeGreaterThanOrEqual((QUEUES * OF_QUEUE) / FAIL_EVERY);
  });

  it('a message that can not be handled is a dead letter, and its queue goes on', async () => {
    const client = new JavaClient(version, target.namesrvAddr);
    const own = await create('java-orderly-dead', 1);
    await own.send(5);
    const java = await own.joinJava(client, POISON);
    await own.whenConsumed();
    await java.finish();
    expect(own.handlings().map((handling) => handling.number)).toEqual(POISON_DELIVERIES);
    const message = await own.deadLetter();
    expect(message.body.toString()).toBe('2');
    expect(message.properties.RETRY_TOPIC).toBe(own.topic);
  });
});
