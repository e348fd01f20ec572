/**
 * What filters of properties cost for each message: the evaluation alone, and pulls of a store whose messages match never, rarely and always, beside
 * pulls without a filter; and how long such pulls keep the event loop from other work.
 *
 * `npx rolldown bench/micro/filters.ts --platform node --format esm --tsconfig tsconfig.json -d dist/bench-micro && node dist/bench-micro/filters.js`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHost, encodeMessage, encodeProperties, Sql92Filter } from '@rocknest/protocol';
import { MessageStore } from '@rocknest/store';
import { measure } from './measure.js';

const MESSAGES = 1_000_000;
const BODY = Buffer.alloc(200, 'x');
const BORN_HOST = encodeHost('127.0.0.1:50000');
/** What a message has beside the properties of its application. */
const USUAL = { KEYS: 'order-123456', UNIQ_KEY: 'AC1100010B2C18B4AAC20000000000001', TAGS: 'created', WAIT: 'true' };
const ADDED = { CLUSTER: 'DefaultCluster', MSG_REGION: 'DefaultRegion', TRACE_ON: 'true' };

function properties(n: number): string {
  return encodeProperties({ ...USUAL, region: n % 2 === 0 ? 'eu' : 'us', amount: String(n), ...ADDED });
}

function measureEvaluation(): void {
  const record = encodeMessage({
    ...{ topic: 'BenchTopic', bornHost: '127.0.0.1:50000', storeHost: '127.0.0.1:10911', body: BODY },
    ...{ properties: { ...USUAL, region: 'eu', amount: '1234', ...ADDED }, queueId: 0, queueOffset: 0 },
    ...{ physicalOffset: 0, sysFlag: 0, flag: 0, bornTimestamp: 1, storeTimestamp: 2, reconsumeTimes: 0 },
    preparedTransactionOffset: 0,
  });
  for (const expression of [
    'TRUE',
    "region = 'eu'",
    'amount > 100',
    "region = 'eu' AND amount BETWEEN 1000 AND 2000",
    "region IN ('us', 'asia', 'africa') OR KEYS STARTSWITH 'order-' AND amount >= 1000.5",
  ]) {
    const filter = new Sql92Filter(expression);
    measure(expression, () => filter.matchesRecord(record, 0, record.length));
  }
  measure('compile the last one but one', () => new Sql92Filter("region = 'eu' AND amount BETWEEN 1000 AND 2000"));
}

function fill(store: MessageStore): Promise<void> {
  return new Promise((resolve) => {
    let sent = 0;
    let done = 0;
    const send = (): void => {
      for (let i = 0; i < 500 && sent < MESSAGES; i++) {
        store.putMessage(
          {
            ...{ topic: 'BenchTopic', queueId: 0, flag: 0, sysFlag: 0, bornTimestamp: 1, bornHost: BORN_HOST },
            ...{ reconsumeTimes: 0, preparedTransactionOffset: 0, body: BODY, tagsCode: 0, waitStoreOk: true },
            properties: properties(sent++),
          },
          () => {
            if (++done === MESSAGES) resolve();
          },
        );
      }
      if (sent < MESSAGES) setImmediate(send);
    };
    send();
  });
}

/** Pulls a whole queue as a consumer does, one pull behind the other. */
async function pullAll(store: MessageStore, name: string, expression: string | undefined): Promise<void> {
  const filter = expression === undefined ? undefined : new Sql92Filter(expression);
  const matchesRecord = filter && ((bytes: Buffer, at: number, size: number) => filter.matchesRecord(bytes, at, size));
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const before = process.cpuUsage();
  const startedMs = performance.now();
  let found = 0;
  let pulls = 0;
  for (let offset = 0; offset < MESSAGES; pulls++) {
    const result = await store.getMessage({
      topic: 'BenchTopic',
      queueId: 0,
      queueOffset: offset,
      maxMessages: 32,
      matchesRecord,
    });
    found += result.messageCount;
    offset = result.nextBeginOffset;
    // The next pull of a client comes through the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.cpuUsage(before);
  delays.disable();
  const each = (((user + system) / MESSAGES) * 1_000).toFixed(0);
  const seconds = (performance.now() - startedMs) / 1_000;
  const longest = (delays.max / 1e6).toFixed(1);
  console.log(
    `${name.padEnd(36)} ${each.padStart(6)} ns CPU each, ${found} of ${MESSAGES} found by ${pulls} pulls in ${seconds.toFixed(1)} s, event loop late by ${longest} ms at most`,
  );
}

measureEvaluation();
const rootPath = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'rocknest-bench-'));
const store = new MessageStore({ rootPath, storeHost: '127.0.0.1:10911' });
try {
  await store.open();
  await fill(store);
  await pullAll(store, 'no filter', undefined);
  await pullAll(store, 'nothing matches', "region = 'nowhere'");
  await pullAll(store, 'one of 1,000 matches', "amount ENDSWITH '000'");
  await pullAll(store, 'every second matches', "region = 'eu'");
  await pullAll(store, 'all match', 'amount >= 0');
  await Promise.all(
    Array.from({ length: 4 }, (_, i) => pullAll(store, `nothing matches, four groups at once ${i}`, 'amount < 0')),
  );
  await store.close();
} finally {
  rmSync(rootPath, { recursive: true, force: true });
}
