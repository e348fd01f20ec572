import type { INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getProducerToken, RocketMQServer, type RocketMQProducer } from '@rocknest/client';
import { randomUUID } from 'node:crypto';
import { AppModule } from './app.module.js';
import { progressLine, summary } from './demo/print.js';
import { RunRecord } from './demo/run-record.js';
import { sampleOrder } from './demo/sample-orders.js';
import { OrderBook } from './orders/order-book.js';
import { OrdersService } from './orders/orders.service.js';
import { readSettings } from './settings.js';
import { exitOnStartError } from './start-error.js';

/** Beginning of the id of the order that goes before all others and is not counted. */
const WARM_UP = 'warm-up-';
/** Sends that wait for their acknowledgement at once. */
const IN_FLIGHT = 128;
/** ms between two lines of progress. */
const PROGRESS_INTERVAL_MS = 500;
/** ms without any progress after which the run is given up. */
const STALLED_AFTER_MS = 30_000;

/** The example's producer and consumer in one process, in a group of its own: a running order-service is left alone. */
async function start(namesrvAddr: string): Promise<INestMicroservice> {
  const app = await NestFactory.createMicroservice(AppModule.on(namesrvAddr), {
    strategy: new RocketMQServer({ group: 'order-service-demo' }),
    abortOnError: false,
    logger: ['warn', 'error'],
  });
  app.enableShutdownHooks();
  await app.get<RocketMQProducer>(getProducerToken()).start();
  // The first message of a topic makes it: afterwards the consumer finds it at once.
  await app.get(OrdersService).place(sampleOrder(0), `${WARM_UP}${randomUUID()}`);
  await app.listen();
  return app;
}

async function send(orders: OrdersService, record: RunRecord, total: number): Promise<void> {
  const run = randomUUID().slice(0, 8);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < total) {
      const n = next++;
      const id = `${run}-${n}`;
      record.begin(id);
      await orders.place(sampleOrder(n), id).then(
        () => record.acknowledge(id),
        () => record.fail(),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, total) }, worker));
}

/** Resolves when everything sent has arrived, or nothing moves any more. */
async function arrival(record: RunRecord): Promise<void> {
  while (record.handled < record.sent && performance.now() - record.lastProgressMs < STALLED_AFTER_MS) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Prints a line whenever something has moved. */
function printProgress(record: RunRecord, total: number): NodeJS.Timeout {
  const startedMs = performance.now();
  let printed = -1;
  return setInterval(() => {
    const moved = record.sent + record.failed + record.handled;
    if (moved === printed) return;
    printed = moved;
    console.log(progressLine(record, total, performance.now() - startedMs));
  }, PROGRESS_INTERVAL_MS);
}

async function demo(namesrvAddr: string, total: number): Promise<void> {
  console.log(`${total.toLocaleString('en-US')} orders through the order service, bus at ${namesrvAddr}`);
  const app = await start(namesrvAddr).catch((error: unknown) => exitOnStartError(error, namesrvAddr));
  const record = new RunRecord();
  app.get(OrderBook).onConfirmed(({ id }) => {
    if (!id.startsWith(WARM_UP)) record.arrive(id);
  });
  const progress = printProgress(record, total);
  await send(app.get(OrdersService), record, total);
  await arrival(record);
  clearInterval(progress);
  const report = record.report();
  if (report.missing > 0) console.log(`\nGave up: nothing moved for ${STALLED_AFTER_MS / 1_000} s.`);
  console.log(`\n${summary(report)}`);
  await app.close();
  if (report.missing > 0 || report.failed > 0) process.exitCode = 1;
}

const total = Number(process.env['ORDERS'] ?? 10_000);
if (!Number.isInteger(total) || total < 1 || total > 10_000_000) {
  console.error(`ORDERS is "${process.env['ORDERS']}", must be a number from 1 to 10000000`);
  process.exit(1);
}
await demo(readSettings().namesrvAddr, total);
