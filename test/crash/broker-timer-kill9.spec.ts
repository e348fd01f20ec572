import { MQAdmin, Producer, silentLogger } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawConnection } from '../support/raw-remoting.js';
import { maxOffset, readQueue } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';

const ROUNDS = 4;
const MESSAGES_EACH = 1_500;
/** Times of a round are spread over it: the kill comes within. */
const SPREAD_MS = 3_000;
const TOPIC = 'timer-crash';
/** One message in this many is recalled. */
const RECALLED = 50;

describe('a broker that is killed with SIGKILL while it takes and delivers timer messages', () => {
  let broker: BrokerProcess;

  beforeAll(async () => {
    broker = await BrokerProcess.create();
  });

  afterAll(async () => {
    await broker?.remove();
  });

  it(`delivers each one that was acknowledged, once, none too early, over ${ROUNDS} kills`, async () => {
    const acknowledged = new Map<string, number>();
    const recalled = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      await broker.start();
      if (round === 0) await createTopic();
      const producer = await startProducer();
      const startMs = Date.now();
      const sends = Array.from({ length: MESSAGES_EACH }, async (_, i) => {
        const body = `${round}-${i}`;
        const deliverTimeMs = startMs + 700 + Math.floor((i * SPREAD_MS) / MESSAGES_EACH);
        const far = i % RECALLED === 0 ? deliverTimeMs + 2 * SPREAD_MS : deliverTimeMs;
        const sent = await producer.send({ topic: TOPIC, body, deliverTimeMs: far });
        acknowledged.set(body, far);
        if (far === deliverTimeMs) return;
        await producer.recallMessage(TOPIC, sent.recallHandle ?? '');
        recalled.add(body);
      });
      // A send that the kill met has no answer: whether it counts is not known.
      const ended = Promise.allSettled(sends);
      const before = await deliveredCount();
      await waitFor(async () => (await deliveredCount()) > before + MESSAGES_EACH / 3, 'a third of the round', 30_000);
      await broker.kill9();
      await ended;
      await producer.shutdown({ timeoutMs: 0 });
    }

    await broker.start();
    const wanted = [...acknowledged.keys()].filter((body) => !recalled.has(body));
    const seen = new Map<string, number>();
    await waitFor(
      async () => {
        await readDelivered(seen, acknowledged);
        return wanted.every((body) => seen.has(body));
      },
      'all messages',
      60_000,
    );
    const copies = [...seen.values()].reduce((sum, count) => sum + count - 1, 0);
    console.log(
      `${acknowledged.size} timer messages acknowledged, ${recalled.size} of them recalled, ${seen.size} delivered, ${copies} of them twice, over ${ROUNDS} kills`,
    );
    expect(wanted.length).toBeGreaterThan((ROUNDS * MESSAGES_EACH) / 2);
    expect(recalled.size).toBeGreaterThan(0);
    expect([...recalled].filter((body) => seen.has(body))).toEqual([]);
    expect(copies).toBe(0);
  });

  async function createTopic(): Promise<void> {
    const admin = new MQAdmin({ namesrvAddr: broker.namesrvAddr, logger: silentLogger });
    await admin.start();
    await admin.createTopic(TOPIC, { readQueueNums: 1, writeQueueNums: 1 });
    await admin.shutdown();
  }

  async function startProducer(): Promise<Producer> {
    const producer = new Producer({
      namesrvAddr: broker.namesrvAddr,
      group: 'PID_timer_crash',
      logger: silentLogger,
      retryTimesWhenSendFailed: 0,
      sendMsgTimeoutMs: 10_000,
    });
    await producer.start();
    return producer;
  }

  async function withConnection<T>(work: (connection: RawConnection) => Promise<T>): Promise<T> {
    const connection = await RawConnection.open(broker.brokerAddr);
    try {
      return await work(connection);
    } finally {
      connection.close();
    }
  }

  const deliveredCount = (): Promise<number> => withConnection((connection) => maxOffset(connection, TOPIC, 0));

  /** All that stands in the topic, how often each; anything that came before its time is an error. */
  const readDelivered = (seen: Map<string, number>, times: ReadonlyMap<string, number>): Promise<void> =>
    withConnection(async (connection) => {
      seen.clear();
      for (const { body, storeTimestamp } of await readQueue(connection, TOPIC, 0)) {
        const text = body.toString();
        expect(storeTimestamp, text).toBeGreaterThanOrEqual(times.get(text) ?? 0);
        seen.set(text, (seen.get(text) ?? 0) + 1);
      }
    });
});
