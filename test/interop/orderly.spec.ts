import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { JavaClient } from './support/java-client.js';
import { startOfficialCluster } from './support/official-cluster.js';
import { OrderlyGroup, POISON, POISON_DELIVERIES } from './support/orderly-group.js';
import { startTarget, type Target } from './support/target.js';

const QUEUES = 8;
const OF_QUEUE = 500;

const clusters = [
  { name: 'Rocknest', start: startTarget },
  {
    name: 'the official cluster',
    start: async (): Promise<Target> => ({ name: 'the official cluster', ...(await startOfficialCluster()) }),
  },
];

describe.each(clusters)('orderly consumers (item 1) on $name', ({ start }) => {
  let target: Target;
  let group: OrderlyGroup | undefined;

  beforeAll(async () => {
    target = await start();
  });
  afterEach(async () => {
    await group?.close();
    group = undefined;
  });
  afterAll(async () => {
    await target?.stop();
  });

  const create = async (topic: string, queues = QUEUES): Promise<OrderlyGroup> => {
    group = await OrderlyGroup.create(target.namesrvAddr, topic, queues);
    return group;
  };

  it('our members keep every order, also when one joins and one leaves', async () => {
    const own = await create('ours');
    const sending = own.send(OF_QUEUE, 50);
    const first = await own.join({ failEvery: 100 });
    await waitFor(() => own.handlings().length > QUEUES * 50, 'some messages');
    await own.join({ failEvery: 100 });
    await waitFor(() => own.handlings().length > QUEUES * 250, 'more messages', 60_000);
    await first.shutdown();
    await sending;
    await own.whenConsumed();
    const report = own.expectOrder(OF_QUEUE);
    expect(report.handOvers).toBeGreaterThanOrEqual(QUEUES);
    // Every hand-over was one in peace: none needlessly again.
    expect(report.repeated).toBe(0);
  });

  it('a message that our client can not handle is a dead letter', async () => {
    const own = await create('ours-dead', 1);
    await own.send(5);
    await own.join(POISON);
    await own.whenConsumed();
    expect(own.handlings().map((handling) => handling.number)).toEqual(POISON_DELIVERIES);
    const message = await own.deadLetter();
    expect(message.body.toString()).toBe('2');
    expect(message).toMatchObject({ reconsumeTimes: 3, properties: { RETRY_TOPIC: own.topic } });
  });

  it('a group of a Java 5.4.0 and one of our members keeps every order through hand-overs in both directions', async () => {
    const client = new JavaClient('5.4.0', target.namesrvAddr);
    const own = await create('mixed');
    // As long as members come and go: what is all consumed before a member joined shows no hand-over.
    let enough = false;
    const sending = own.sendUntil(() => enough, 100);
    const java = await own.joinJava(client, { failEvery: 100 });
    await waitFor(() => own.handlings().length > QUEUES * 50, 'some messages', 60_000);
    const ours = await own.join({ failEvery: 100 });
    const by = (who: string): number => own.handlings().filter(({ member }) => member.startsWith(who)).length;
    await waitFor(() => by('ours') > 200, 'messages at our member', 60_000);
    await ours.shutdown();
    const again = await own.join({ failEvery: 100 });
    await waitFor(() => by('ours') > 500, 'messages at our second member', 60_000);
    await java.finish();
    enough = true;
    const ofQueue = await sending;
    await own.whenConsumed();
    await again.shutdown();
    const report = own.expectOrder(ofQueue);
    expect(report.handOvers).toBeGreaterThanOrEqual(QUEUES);
    expect(by('java')).toBeGreaterThan(0);
  });
});
