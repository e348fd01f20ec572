import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  getProducerToken,
  OrderlyConsumer,
  RocketMQContext,
  RocketMQModule,
  RocketMQServer,
  type MessageQueue,
  type RocketMQProducer,
} from '@rocknest/client';
import type { Pattern } from '../pattern.js';

interface Booking {
  readonly run: string;
  readonly account: string;
  readonly n: number;
}

const TOPIC = 'pattern-orderly';
const ACCOUNTS = ['anna', 'ben', 'carla', 'dave'];
const BOOKINGS = 10;

/** Bookings by account in the order in which they were handled, what runs in each queue, and what happened. */
const seen = { booked: new Map<string, number[]>(), running: new Set<number>(), atOnce: 0, failures: 0 };

@Controller()
class LedgerController {
  // Of each queue one booking at a time, in the order in which they were sent. The promise is awaited before the next one begins.
  @OrderlyConsumer({ topic: TOPIC, group: 'pattern-orderly', suspendCurrentQueueTimeMillis: 100 })
  async book(@Payload() booking: Booking, @Ctx() context: RocketMQContext): Promise<void> {
    const queueId = context.getQueueId();
    if (seen.running.has(queueId)) seen.atOnce++;
    seen.running.add(queueId);
    await new Promise((resolve) => setTimeout(resolve, 5));
    seen.running.delete(queueId);
    if (booking.account === 'anna' && booking.n === 3 && context.getReconsumeTimes() === 0) {
      seen.failures++;
      throw new Error('the ledger is locked'); // the queue rests, then the same booking comes again, before all others
    }
    const key = `${booking.run} ${booking.account}`;
    seen.booked.set(key, [...(seen.booked.get(key) ?? []), booking.n]);
  }
}

/** What belongs together goes to one queue: the same account always to the same. */
function queueOf(account: string, queues: readonly MessageQueue[]): MessageQueue {
  let hash = 0;
  for (const character of account) hash = (hash * 31 + character.charCodeAt(0)) | 0;
  return queues[Math.abs(hash % queues.length)];
}

const pattern: Pattern = {
  about: 'handlers that get what belongs together in the order in which it was sent, one at a time',
  async run({ namesrvAddr, runId, say, until }) {
    @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr })], controllers: [LedgerController] })
    class AppModule {}

    const app = await NestFactory.createMicroservice(AppModule, {
      strategy: new RocketMQServer(),
      abortOnError: false,
      // The failure below is on purpose.
      logger: ['warn'],
    });
    await app.listen();
    const producer = app.get<RocketMQProducer>(getProducerToken());
    const queues = await producer.fetchPublishMessageQueues(TOPIC);
    await Promise.all(
      ACCOUNTS.map(async (account) => {
        const queue = queueOf(account, queues);
        // Each send is awaited: what is sent at the same time has no order.
        for (let n = 0; n < BOOKINGS; n++) {
          await producer.send({ topic: TOPIC, body: { run: runId, account, n } satisfies Booking }, { queue });
        }
      }),
    );
    const booked = (account: string): number[] => seen.booked.get(`${runId} ${account}`) ?? [];
    await until('all bookings handled', () => ACCOUNTS.every((account) => booked(account).length >= BOOKINGS));
    for (const account of ACCOUNTS) {
      const expected = Array.from({ length: BOOKINGS }, (_, n) => n).join();
      if (booked(account).join() !== expected) throw new Error(`${account} was booked as ${booked(account).join()}`);
    }
    if (seen.atOnce > 0) throw new Error(`${seen.atOnce} bookings began while another one of their queue ran`);
    say(
      `${ACCOUNTS.length * BOOKINGS} bookings of ${ACCOUNTS.length} accounts, each account in its order, ${seen.failures} failed once and came again first`,
    );
    await app.close();
  },
};

export default pattern;
