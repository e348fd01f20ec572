/** The client process of `bench/client.ts`: one producer or consumer of `@rocknest/client-core`, used as its users do. */
import { Producer, PushConsumer, type ConsumeResult } from '@rocknest/client-core';
import { cpuTimeSince, serveCalls, type CpuTime } from '../support/bench-process.js';

export interface ClientSettings {
  namesrvAddr: string;
  topic: string;
  serializeType: 'ROCKETMQ' | 'JSON';
  bodyBytes: number;
  inFlight: number;
}

export interface LoadResult extends CpuTime {
  seconds: number;
  count: number;
}

let settings: ClientSettings;
let producer: Producer;
let gathering: Producer | undefined;
/** Messages of a batch that the program makes itself. */
const BATCH_MESSAGES = 32;
let body: Buffer;

async function open(given: ClientSettings): Promise<void> {
  settings = given;
  body = Buffer.alloc(settings.bodyBytes, 'x');
  const { namesrvAddr, serializeType } = settings;
  producer = new Producer({ namesrvAddr, group: 'bench-client', serializeType });
  await producer.start();
}

async function measured(count: number, run: () => Promise<void>): Promise<LoadResult> {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await run();
  return { seconds: (performance.now() - startedMs) / 1_000, count, ...cpuTimeSince(cpu) };
}

/** `await producer.send(...)` in as many loops as sends are in flight. */
function promises(count: number): Promise<LoadResult> {
  const { topic, inFlight } = settings;
  let left = count;
  const loop = async (): Promise<void> => {
    while (left-- > 0) await producer.send({ topic, body, tags: 'created' });
  };
  return measured(count, async () => {
    await Promise.all(Array.from({ length: inFlight }, loop));
  });
}

/** `await producer.send([...])` with 32 messages each; as many messages are in flight as in the other loads. */
function batches(count: number): Promise<LoadResult> {
  const { topic, inFlight } = settings;
  const batch = Array.from({ length: BATCH_MESSAGES }, () => ({ topic, body, tags: 'created' }));
  let left = Math.floor(count / BATCH_MESSAGES);
  const loop = async (): Promise<void> => {
    while (left-- > 0) await producer.send(batch);
  };
  return measured(left * BATCH_MESSAGES, async () => {
    await Promise.all(Array.from({ length: Math.max(1, Math.floor(inFlight / BATCH_MESSAGES)) }, loop));
  });
}

/** `await producer.send(message)` of a producer with `autoBatch`. */
async function autoBatch(count: number): Promise<LoadResult> {
  const { namesrvAddr, serializeType, topic, inFlight } = settings;
  if (gathering === undefined) {
    gathering = new Producer({ namesrvAddr, group: 'bench-gathering', serializeType, autoBatch: true });
    await gathering.start();
  }
  const sender = gathering;
  let left = count;
  const loop = async (): Promise<void> => {
    while (left-- > 0) await sender.send({ topic, body, tags: 'created' });
  };
  return measured(count, async () => {
    await Promise.all(Array.from({ length: inFlight }, loop));
  });
}

/** `producer.sendAsync(message, callback)`. */
function callbacks(count: number): Promise<LoadResult> {
  const { topic, inFlight } = settings;
  const run = (): Promise<void> =>
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
  return measured(count, run);
}

/** A new group reads the topic from its first message, with an async listener; counted from its first message on. */
async function consume(count: number): Promise<LoadResult> {
  const { namesrvAddr, topic, serializeType } = settings;
  const consumer = new PushConsumer({
    namesrvAddr,
    group: `bench-client-${Date.now()}`,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    serializeType,
  });
  let seen = 0;
  let begin: () => void = () => undefined;
  let end: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const ended = new Promise<void>((resolve) => (end = resolve));
  consumer.registerMessageListener(async (): Promise<ConsumeResult> => {
    if (++seen === 1) begin();
    if (seen === count) end();
    return 'CONSUME_SUCCESS';
  });
  consumer.subscribe(topic);
  await consumer.start();
  await begun;
  const result = await measured(count, () => ended);
  await consumer.shutdown();
  return result;
}

async function close(): Promise<void> {
  await gathering?.shutdown();
  await producer.shutdown();
}

serveCalls({ open, promises, callbacks, batches, autoBatch, consume, close });
