import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { PopClient } from '../support/pop-client.js';
import { createTopic } from '../support/raw-requests.js';
import { RawConnection } from '../support/raw-remoting.js';
import { BrokerProcess } from '../support/rocknest-process.js';

const ROUNDS = 3;
const QUEUES = 4;
const PER_QUEUE = 600;
const TOPIC = 'pop-order-crash';
const GROUP = 'GID_pop_order_crash';
const INVISIBLE_MS = 1_500;
const POPS_BEFORE_KILL = 60;
/** Between the writes of the order infos and offsets, so that kills find all states in between. */
const FLUSH_INTERVAL_MS = 300;

/** What one member at a time saw of each queue, over all lives of the broker. */
class QueueWatch {
  /** The number behind the last that was acknowledged. */
  private next = 0;
  deliveries = 0;
  repeated = 0;

  /**
   * A pop may bring again what it brought before a crash, as a whole; it never leaves out a message that was not acknowledged, and within it the
   * messages follow each other.
   */
  popped(numbers: readonly number[]): void {
    for (const [i, number] of numbers.entries()) if (i > 0) expect(number).toBe(numbers[i - 1] + 1);
    expect(numbers[0], 'nothing is left out').toBeLessThanOrEqual(this.next);
    this.deliveries += numbers.length;
    this.repeated += numbers.filter((number) => number < this.next).length;
  }

  acknowledged(number: number): void {
    this.next = Math.max(this.next, number + 1);
  }

  get done(): boolean {
    return this.next === PER_QUEUE;
  }
}

describe('a broker that is killed with SIGKILL while it is popped in order', () => {
  let broker: BrokerProcess;

  beforeAll(async () => {
    broker = await BrokerProcess.create({ config: { flushConsumerOffsetInterval: FLUSH_INTERVAL_MS } });
  });

  afterAll(async () => {
    await broker?.remove();
  });

  it(`keeps the order of ${QUEUES} queues of ${PER_QUEUE} messages over ${ROUNDS} kills, and leaves none out`, async () => {
    const queues = Array.from({ length: QUEUES }, () => new QueueWatch());
    for (let round = 0; round <= ROUNDS; round++) {
      await broker.start();
      const client = new BrokerClient(broker.brokerAddr);
      if (round === 0) await fill(client);
      let pops = 0;
      let killed: Promise<void> | undefined;
      const goesOn = (): boolean => {
        if (round < ROUNDS && ++pops >= POPS_BEFORE_KILL) killed ??= broker.kill9();
        return killed === undefined;
      };
      const lives = await Promise.allSettled(queues.map((queue, queueId) => consume(client, queue, queueId, goesOn)));
      for (const life of lives) if (life.status === 'rejected' && killed === undefined) throw life.reason;
      if (round < ROUNDS) expect(killed, `round ${round} ended before its kill`).toBeDefined();
      await killed;
      await client.close();
    }
    expect(queues.filter(({ done }) => !done)).toEqual([]);
    const sum = (of: (queue: QueueWatch) => number): number => queues.reduce((total, queue) => total + of(queue), 0);
    console.log(
      `${sum(({ deliveries }) => deliveries)} deliveries, ${sum(({ repeated }) => repeated)} of them again after a kill`,
    );
    expect(sum(({ deliveries }) => deliveries)).toBeGreaterThanOrEqual(QUEUES * PER_QUEUE);
  });

  async function fill(client: BrokerClient): Promise<void> {
    const connection = await RawConnection.open(broker.brokerAddr);
    await createTopic(connection, TOPIC, QUEUES);
    connection.close();
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      for (let number = 0; number < PER_QUEUE; number++) await client.send(TOPIC, String(number), { queueId });
    }
  }

  /** Pops a queue in order until all of it is acknowledged, or `goesOn` says no; the connection of a killed broker breaks. */
  async function consume(
    client: BrokerClient,
    queue: QueueWatch,
    queueId: number,
    goesOn: () => boolean,
  ): Promise<void> {
    const member = new PopClient(client, GROUP, 'broker-a');
    while (!queue.done && goesOn()) {
      const options = { queueId, order: true, maxMsgNums: 8, invisibleTime: INVISIBLE_MS, pollTime: 500 };
      const { messages } = await member.pop(TOPIC, options);
      if (messages.length === 0) continue;
      queue.popped(messages.map(({ body }) => Number(body.toString())));
      for (const message of messages) {
        const number = Number(message.body.toString());
        if ((await member.ack(message)).code === 0) queue.acknowledged(number);
      }
    }
  }
});
