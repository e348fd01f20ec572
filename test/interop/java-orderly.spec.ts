import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
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

describe.each(['4.9.8', '5.4.0'])(
  'orderly consumers (item 1): the official Java client %s on our broker',
  (version) => {
    /** A group of its own for a test: they run side by side. */
    const withGroup = async (
      topic: string,
      queues: number,
      run: (own: OrderlyGroup) => Promise<void>,
    ): Promise<void> => {
      const own = await OrderlyGroup.create(target.namesrvAddr, `${topic}-${version.replaceAll('.', '_')}`, queues);
      try {
        await run(own);
      } finally {
        await own.close();
      }
    };

    it('two members keep every order, also when one leaves', () =>
      withGroup('java-orderly', QUEUES, async (own) => {
        const client = new JavaClient(version, target.namesrvAddr);
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
      }));

    it('a message that can not be handled is a dead letter, and its queue goes on', () =>
      withGroup('java-orderly-dead', 1, async (own) => {
        const client = new JavaClient(version, target.namesrvAddr);
        await own.send(5);
        const java = await own.joinJava(client, POISON);
        await own.whenConsumed();
        await java.finish();
        expect(own.handlings().map((handling) => handling.number)).toEqual(POISON_DELIVERIES);
        const message = await own.deadLetter();
        expect(message.body.toString()).toBe('2');
        expect(message.properties.RETRY_TOPIC).toBe(own.topic);
      }));
  },
);

describe('orderly consumers (item 1) across a crash of our broker', () => {
  it('Java 4.9.8 and 5.4.0 go on in order when the broker was killed, and so does the member that comes after them', async () => {
    const cluster = await startRocknestCluster();
    const groups: OrderlyGroup[] = [];
    const consume = async (version: string, afterCrash: Promise<void>): Promise<void> => {
      const client = new JavaClient(version, cluster.namesrvAddr);
      const topic = `java-crash-${version.replaceAll('.', '_')}`;
      const own = await OrderlyGroup.create(cluster.namesrvAddr, topic, QUEUES);
      groups.push(own);
      let enough = false;
      const sending = own.sendUntil(() => enough, 50);
      const first = await own.joinJava(client, { failEvery: FAIL_EVERY });
      await waitFor(() => own.handlings().length > QUEUES * 50, 'messages before the crash', 60_000);
      reached();
      await afterCrash;
      const before = own.handlings().length;
      await waitFor(() => own.handlings().length > before + QUEUES * 100, 'messages after the crash', 60_000);
      await first.finish();
      const second = await own.joinJava(client, { failEvery: FAIL_EVERY });
      const left = own.handlings().length;
      await waitFor(() => own.handlings().length > left + QUEUES * 20, 'messages of the next member', 60_000);
      enough = true;
      const ofQueue = await sending;
      await own.whenConsumed();
      await second.finish();
      const report = own.expectOrder(ofQueue);
      expect(report.handOvers).toBeGreaterThanOrEqual(QUEUES);
      // Both left in peace.
      expect(report.repeatedWithoutKill).toBe(0);
    };
    let reached!: () => void;
    try {
      let count = 0;
      const bothConsume = new Promise<void>((resolve) => {
        reached = () => {
          if (++count === 2) resolve();
        };
      });
      const crash = bothConsume.then(async () => {
        await cluster.broker.kill9();
        await cluster.broker.start();
      });
      await Promise.all(['4.9.8', '5.4.0'].map((version) => consume(version, crash)));
    } finally {
      await Promise.all(groups.map((group) => group.close()));
      await cluster.stop();
    }
  });
});
