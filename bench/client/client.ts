/**
 * CPU cost of the client for each acknowledged send and for each consumed message, against a stand-in broker in another
 * process (or against real ones, with NAMESRV_ADDR set):
 *
 *   npx rolldown bench/client/client.ts --platform node --format esm --tsconfig tsconfig.json -d dist/bench-client
 *   node dist/bench-client/client.js [send|async|consume] [messages] [in flight] [body bytes] [binary|json]
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Producer, PushConsumer } from '@rocknest/client-core';
import { startStandInBroker } from './stand-in-broker.js';

const [mode = 'send', messagesText = '300000', inFlightText = '256', bodyText = '1024', encoding = 'binary'] =
  process.argv.slice(2);
const messages = Number(messagesText);
const inFlight = Number(inFlightText);
const bodyBytes = Number(bodyText);
const topic = process.env['TOPIC'] ?? 'BenchClient';
const serializeType = encoding === 'json' ? 'JSON' : 'ROCKETMQ';

async function standIn(): Promise<{ namesrvAddr: string; stop(): void }> {
  const given = process.env['NAMESRV_ADDR'];
  if (given) return { namesrvAddr: given, stop() {} };
  const child = fork(fileURLToPath(import.meta.url), ['stand-in', messagesText, inFlightText, bodyText]);
  const namesrvAddr = await new Promise<string>((resolve) =>
    child.once('message', (address) => resolve(address as string)),
  );
  return { namesrvAddr, stop: () => child.kill() };
}

function report(what: string, count: number, startedMs: number, cpu: NodeJS.CpuUsage): void {
  const seconds = (performance.now() - startedMs) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const rate = Math.round(count / seconds);
  console.log(
    `${what}: ${count} messages of ${bodyBytes} B in ${seconds.toFixed(2)} s, ${rate}/s, ` +
      `${((user + system) / count).toFixed(2)} us CPU each (${(user / count).toFixed(2)} user)`,
  );
}

async function sends(namesrvAddr: string): Promise<void> {
  const producer = new Producer({ namesrvAddr, group: 'bench-client', serializeType });
  await producer.start();
  const body = Buffer.alloc(bodyBytes, 'x');
  const promises = async (count: number): Promise<void> => {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) await producer.send({ topic, body, tags: 'created' });
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
  };
  const callbacks = (count: number): Promise<void> =>
    new Promise((resolve, reject) => {
      let left = count;
      let done = 0;
      const next = (): void => {
        left--;
        producer.sendAsync({ topic, body, tags: 'created' }, { onSuccess, onException: reject });
      };
      const onSuccess = (): void => {
        if (++done === count) resolve();
        else if (left > 0) next();
      };
      for (let i = 0; i < inFlight; i++) next();
    });
  const run = mode === 'async' ? callbacks : promises;
  await run(Math.min(100_000, messages));
  for (let round = 0; round < 3; round++) {
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    await run(messages);
    report(`${mode} ${inFlight} in flight, ${encoding}`, messages, startedMs, cpu);
  }
  await producer.shutdown();
}

async function consumes(namesrvAddr: string): Promise<void> {
  const asynchronous = process.env['HANDLER'] !== 'sync';
  const consumer = new PushConsumer({
    namesrvAddr,
    group: `bench-client-${Date.now()}`,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    serializeType,
  });
  let count = 0;
  let startedMs = 0;
  let cpu = process.cpuUsage();
  const done = new Promise<void>((resolve) => {
    const handle = (): 'CONSUME_SUCCESS' => {
      if (++count === 1) {
        startedMs = performance.now();
        cpu = process.cpuUsage();
      }
      if (count === messages) resolve();
      return 'CONSUME_SUCCESS';
    };
    consumer.registerMessageListener(asynchronous ? async () => handle() : handle);
  });
  consumer.subscribe(topic);
  await consumer.start();
  await done;
  report(`consume, ${asynchronous ? 'async' : 'sync'} handler`, messages, startedMs, cpu);
  await consumer.shutdown();
}

if (mode === 'stand-in') {
  const { address } = await startStandInBroker(bodyBytes, messages / 8);
  process.send?.(address);
} else {
  const { namesrvAddr, stop } = await standIn();
  await (mode === 'consume' ? consumes(namesrvAddr) : sends(namesrvAddr));
  stop();
}
