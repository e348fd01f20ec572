/**
 * What the store costs for each message, without sockets: puts of several sizes grouped by loop turn, fdatasync before the answer, pulls
 * from the tail and of old messages, the idle process.
 *
 *   npx tsc -p bench/micro/tsconfig.json && node dist/bench-micro/bench/micro/store.js [put|index|sync|batch|tail|catchup|idle] [folder]
 *
 * (tsc leaves the alias @rocknest/protocol as it is; `npx rolldown bench/micro/store.ts --platform node --format esm
 * --tsconfig tsconfig.json -d dist/bench-micro` makes one file that runs.)
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHost } from '@rocknest/protocol';
import type { GetResult, MessageStoreOptions, PutMessage } from '@rocknest/store';
import { MessageStore } from '@rocknest/store';

const QUEUES = 4;
const BODY = Buffer.alloc(1024, 'x');
const BORN_HOST = encodeHost('127.0.0.1:50000');
const PROPERTIES =
  'KEYS\u0001order-123456\u0002UNIQ_KEY\u0001AC1100010B2C18B4AAC20000000000001\u0002TAGS\u0001created\u0002WAIT\u0001true\u0002CLUSTER\u0001DefaultCluster\u0002MSG_REGION\u0001DefaultRegion\u0002TRACE_ON\u0001true\u0002';

/** Tells V8's objects apart as a broker does: each message is a new object with its own text. */
function message(i: number, body: Buffer): PutMessage {
  return {
    topic: 'BenchTopic',
    queueId: i % QUEUES,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 1_790_000_000_000,
    bornHost: BORN_HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body,
    properties: PROPERTIES,
    tagsCode: 1_234_567,
    waitStoreOk: true,
  };
}

async function withStore(
  options: Partial<MessageStoreOptions>,
  run: (store: MessageStore) => Promise<void>,
): Promise<void> {
  const rootPath = mkdtempSync(join(process.argv[3] ?? tmpdir(), 'rocknest-bench-'));
  const store = new MessageStore({ rootPath, storeHost: '127.0.0.1:10911', ...options });
  try {
    await store.open();
    await run(store);
    await store.close();
  } finally {
    rmSync(rootPath, { recursive: true, force: true });
  }
}

function report(name: string, count: number, startedMs: number, cpu: NodeJS.CpuUsage): void {
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const each = ((user + system) / count).toFixed(2);
  console.log(
    `${name.padEnd(44)} ${String(Math.round(count / seconds)).padStart(8)}/s ${each.padStart(7)} us CPU (${(user / count).toFixed(2)} user)`,
  );
}

/** Keeps `inFlight` puts under way: each answer makes one more, as a client that waits for its answers does. */
function runPuts(
  store: MessageStore,
  count: number,
  inFlight: number,
  body: Buffer,
  texts?: readonly string[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    let started = 0;
    let done = 0;
    let due = 0;
    const onDone = (result: { status: string; reason?: string }): void => {
      if (result.status !== 'PUT_OK') reject(new Error(`${result.status}: ${result.reason}`));
      due++;
      if (++done === count) resolve();
      else if (due === 1) setImmediate(refill);
    };
    const refill = (): void => {
      const now = Math.min(due, count - started);
      due = 0;
      for (let i = 0; i < now; i++) {
        const properties = texts?.[started] ?? PROPERTIES;
        store.putMessage({ ...message(started++, body), properties }, onDone);
      }
    };
    due = inFlight;
    refill();
  });
}

async function put(
  name: string,
  options: Partial<MessageStoreOptions>,
  inFlight: number,
  count: number,
  body = BODY,
): Promise<void> {
  await withStore(options, async (store) => {
    await runPuts(store, Math.min(count, 50_000), inFlight, body);
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    await runPuts(store, count, inFlight, body);
    report(`${name}, ${inFlight} in flight`, count, startedMs, cpu);
  });
}

const UNIQUE_PREFIX = 'AC1100010B2C18B4AAC2';

/** Unique ids as a producer makes them: with one id for all, the slots of the index would always be at hand. */
function uniqueProperties(i: number): string {
  const unique = `${UNIQUE_PREFIX}${i.toString(16).toUpperCase().padStart(12, '0')}`;
  return `KEYS\u0001order-${i}\u0002UNIQ_KEY\u0001${unique}\u0002TAGS\u0001created\u0002WAIT\u0001true\u0002CLUSTER\u0001DefaultCluster\u0002MSG_REGION\u0001DefaultRegion\u0002TRACE_ON\u0001true\u0002`;
}

/** What the index by key costs for each message of 1 KiB, two keys each: rounds with and without it in turn. */
async function index(count: number): Promise<void> {
  const texts = Array.from({ length: count }, (_, i) => uniqueProperties(i));
  for (const messageIndexEnable of [false, true, false, true]) {
    await withStore({ messageIndexEnable }, async (store) => {
      await runPuts(store, 50_000, 256, BODY, texts);
      const startedMs = performance.now();
      const cpu = process.cpuUsage();
      await runPuts(store, count, 256, BODY, texts);
      // Whatever waits for the index belongs to the cost.
      while ((store.stats().index?.behindBytes ?? 0) > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      report(`put 1 KiB, index ${messageIndexEnable ? 'on' : 'off'}`, count, startedMs, cpu);
    });
  }
  await withStore({}, async (store) => {
    await runPuts(store, count, 256, BODY, texts);
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    const queries = 20_000;
    for (let i = 0; i < queries; i++)
      await store.queryMessage('BenchTopic', `order-${(i * 7_919) % count}`, 32, 0, Infinity);
    report('query by key', queries, startedMs, cpu);
  });
}

async function batches(count: number): Promise<void> {
  const items = Array.from({ length: 32 }, () => ({ flag: 0, body: BODY, properties: Buffer.from(PROPERTIES) }));
  await withStore({}, async (store) => {
    const run = (rounds: number): Promise<void> =>
      new Promise((resolve) => {
        let left = rounds;
        const next = (): void => {
          if (left-- === 0) return resolve();
          const batch = {
            topic: 'BenchTopic',
            queueId: left % QUEUES,
            sysFlag: 0,
            bornTimestamp: 1,
            bornHost: BORN_HOST,
            reconsumeTimes: 0,
            waitStoreOk: true,
            items,
          };
          store.putBatch(batch, () => setImmediate(next));
        };
        next();
      });
    await run(2_000);
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    await run(count / 32);
    report('put in batches of 32, 1 KiB', count, startedMs, cpu);
  });
}

async function pull(store: MessageStore, count: number, fromTail: boolean): Promise<number> {
  let messages = 0;
  const offsets = Array.from({ length: QUEUES }, (_, queueId) =>
    fromTail ? store.maxOffset('BenchTopic', queueId) - 320 : 0,
  );
  const starts = [...offsets];
  for (let i = 0; messages < count; i++) {
    const queueId = i % QUEUES;
    const answer = store.getMessage({ topic: 'BenchTopic', queueId, queueOffset: offsets[queueId], maxMessages: 32 });
    const result: GetResult = answer instanceof Promise ? await answer : answer;
    messages += result.messageCount;
    offsets[queueId] = result.nextBeginOffset;
    if (result.nextBeginOffset >= store.maxOffset('BenchTopic', queueId)) offsets[queueId] = starts[queueId];
    if (i % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return messages;
}

async function pulls(fromTail: boolean, stored: number, count: number): Promise<void> {
  await withStore(fromTail ? {} : { tailCacheBytes: 0 }, async (store) => {
    await runPuts(store, stored, 256, BODY);
    await pull(store, 100_000, fromTail);
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    const messages = await pull(store, count, fromTail);
    report(
      fromTail ? 'pull of 32 from the tail, 1 KiB' : 'pull of 32, catch-up from the page cache, 1 KiB',
      messages,
      startedMs,
      cpu,
    );
  });
}

async function idle(): Promise<void> {
  const megabytes = (): string => `${(process.memoryUsage.rss() / 1_048_576).toFixed(0)} MB`;
  const before = megabytes();
  await withStore({ idleReleaseMs: 1_000 }, async (store) => {
    const opened = megabytes();
    await runPuts(store, 500_000, 1_024, BODY);
    const busy = megabytes();
    while (store.stats().tailCacheBytes > 1_048_576) await new Promise((resolve) => setTimeout(resolve, 100));
    console.log(
      `resident: process ${before}, store opened ${opened}, after 500,000 puts ${busy}, caches released ${megabytes()}`,
    );
  });
}

const runs: Record<string, () => Promise<void>> = {
  put: async () => {
    for (const inFlight of [1, 64, 256, 1_024]) await put('put 1 KiB', {}, inFlight, inFlight === 1 ? 50_000 : 500_000);
    await put('put 128 B', {}, 256, 500_000, BODY.subarray(0, 128));
  },
  index: () => index(500_000),
  sync: async () => {
    for (const inFlight of [64, 256, 1_024])
      await put('put 1 KiB, fdatasync', { flushDiskType: 'SYNC_FLUSH' }, inFlight, 200_000);
  },
  batch: () => batches(500_000),
  tail: () => pulls(true, 100_000, 3_000_000),
  catchup: () => pulls(false, 300_000, 2_000_000),
  idle,
};

const chosen = process.argv[2];
for (const [name, run] of Object.entries(runs)) if (chosen === undefined || chosen === name) await run();
