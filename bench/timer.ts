/**
 * How late timer messages are delivered while so many are sent each second, with many more that wait. README.md tells what the figures mean.
 */
import { readFileSync } from 'node:fs';
import { MQAdmin, Producer, silentLogger } from '@rocknest/client-core';
import buildApps from '../test/support/build-apps.js';
import { RawConnection } from '../test/support/raw-remoting.js';
import { maxOffset, readQueue } from '../test/support/raw-requests.js';
import { BrokerProcess } from '../test/support/rocknest-process.js';
import { readFlags } from './support/flags.js';
import { printTable } from './support/statistics.js';

const flags = readFlags(
  { waiting: 1_000_000, rate: 5_000, seconds: 20, aheadMs: 5_000, size: 100 },
  {
    waiting: 'messages that wait, due in the next day',
    rate: 'messages sent each second while the accuracy is measured',
    seconds: 'how long',
    aheadMs: 'they are due within so many ms',
    size: 'bytes of a body',
  },
);

const TOPIC = 'timer-bench';
const IN_FLIGHT = 1_000;
const TICK_MS = 10;
const GET_BROKER_RUNTIME_INFO = 28;
const DAY_MS = 86_400_000;
const FIRST_WAIT_MS = 3_600_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const body = 'x'.repeat(flags.size);

function memoryMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

async function fill(producer: Producer): Promise<void> {
  let next = 0;
  const sender = async (): Promise<void> => {
    while (next++ < flags.waiting) {
      const deliverTimeMs = Date.now() + FIRST_WAIT_MS + Math.floor(Math.random() * (DAY_MS - FIRST_WAIT_MS));
      await producer.send({ topic: 'timer-bench-waiting', body, deliverTimeMs });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
}

/** Sends at the rate. @returns how many were sent. */
async function send(producer: Producer): Promise<number> {
  const startMs = Date.now();
  const sends: Promise<unknown>[] = [];
  for (;;) {
    const elapsedMs = Date.now() - startMs;
    if (elapsedMs >= flags.seconds * 1_000) break;
    const wanted = Math.floor((elapsedMs * flags.rate) / 1_000);
    while (sends.length < wanted) {
      const deliverTimeMs = Date.now() + 1 + Math.floor(Math.random() * flags.aheadMs);
      sends.push(producer.send({ topic: TOPIC, body, deliverTimeMs }));
    }
    await pause(TICK_MS);
  }
  await Promise.all(sends);
  return sends.length;
}

/** Waits until every message that is stored has its place in the wheel. */
async function allInWheel(): Promise<void> {
  const connection = await RawConnection.open(broker.brokerAddr);
  for (;;) {
    const { body: answer } = await connection.call(GET_BROKER_RUNTIME_INFO, {});
    const { table } = JSON.parse(answer.toString()) as { table: Record<string, string> };
    if (table.timerOffsetBehind === '0') break;
    await pause(50);
  }
  connection.close();
}

/** How long it takes until a message that is due at once is in its topic. */
async function firstDeliveryMs(): Promise<number> {
  const startMs = performance.now();
  const producer = new Producer({ namesrvAddr: broker.namesrvAddr, group: 'PID_timer_again', logger: silentLogger });
  await producer.start();
  const connection = await RawConnection.open(broker.brokerAddr);
  const before = await maxOffset(connection, TOPIC, 0);
  await producer.send({ topic: TOPIC, body, delayTimeMs: 20 });
  while ((await maxOffset(connection, TOPIC, 0)) <= before) await pause(5);
  connection.close();
  await producer.shutdown();
  return performance.now() - startMs;
}

buildApps();
const broker = await BrokerProcess.create();
try {
  await broker.start();
  const { namesrvAddr, pid } = broker;
  const admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  await admin.start();
  await admin.createTopic(TOPIC, { readQueueNums: 1, writeQueueNums: 1 });
  await admin.shutdown();
  const producer = new Producer({ namesrvAddr, group: 'PID_timer_bench', logger: silentLogger });
  await producer.start();
  const idleMb = memoryMb(pid);
  const fillStartMs = performance.now();
  await fill(producer);
  const fillSeconds = (performance.now() - fillStartMs) / 1_000;
  await allInWheel();
  const wheelSeconds = (performance.now() - fillStartMs) / 1_000;
  const waitingMb = memoryMb(pid);
  const sent = await send(producer);
  const connection = await RawConnection.open(broker.brokerAddr);
  while ((await maxOffset(connection, TOPIC, 0)) < sent) await pause(100);
  const late = (await readQueue(connection, TOPIC, 0)).map(
    ({ storeTimestamp, properties }) => storeTimestamp - Number(/TIMER_DELIVER_MS\u0001(\d+)/.exec(properties)?.[1]),
  );
  const busyMb = memoryMb(pid);
  connection.close();
  await producer.shutdown();
  await broker.kill9();
  const restartMs = await broker.start();
  const readyMs = restartMs + (await firstDeliveryMs());
  const againMb = memoryMb(broker.pid);
  late.sort((a, b) => a - b);
  const at = (share: number): string => String(late[Math.min(late.length - 1, Math.floor(late.length * share))]);
  printTable(
    ['messages', 'sent a second', 'p50 ms late', 'p99', 'p99.9', 'most', 'earliest'],
    [[String(sent), String(Math.round(sent / flags.seconds)), at(0.5), at(0.99), at(0.999), at(1), at(0)]],
  );
  console.log(
    `${flags.waiting} messages taken in ${fillSeconds.toFixed(1)} s and in the wheel after ${wheelSeconds.toFixed(1)} s; after kill -9 the broker served ${restartMs.toFixed(0)} ms after its start, and had delivered a new timer message after ${readyMs.toFixed(0)} ms, with ${againMb.toFixed(0)} MB`,
  );
  console.log(
    `memory of the broker: ${idleMb.toFixed(0)} MB idle, ${waitingMb.toFixed(0)} MB with ${flags.waiting} messages that wait, ${busyMb.toFixed(0)} MB at the end`,
  );
} finally {
  await broker.remove();
}
