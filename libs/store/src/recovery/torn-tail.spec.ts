import { existsSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { MessageStore } from '../message-store.js';
import {
  BORN_HOST,
  crashCopy,
  damageLog,
  put,
  putBatch,
  readQueue,
  smallStore,
  tempFolder,
} from '../testing/store-fixture.js';

const SEGMENT = 16 * 1024;
const QUEUES = 3;

/** One message as it was acknowledged. */
interface Acknowledged {
  readonly queueId: number;
  readonly queueOffset: number;
  /** Behind its record, or behind the batch it belongs to. */
  readonly endOffset: number;
  readonly body: Buffer;
}

type Step =
  | { kind: 'put'; queueId: number; bytes: number }
  | { kind: 'batch'; queueId: number; count: number }
  | { kind: 'turn' }
  | { kind: 'checkpoint' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      queueId: fc.nat(QUEUES - 1),
      bytes: fc.integer({ min: 1, max: 3_000 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('batch' as const),
      queueId: fc.nat(QUEUES - 1),
      count: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'turn' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'checkpoint' as const }) },
);

/** How the end of the log is lost: zeros or noise from a place on, or files cut there. */
const tear = fc.record({
  how: fc.constantFrom('zeros' as const, 'noise' as const, 'truncate' as const, 'nothing' as const),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});

let counter = 0;

/** A body that is different for each message and cannot be mistaken for a record. */
function bodyOf(bytes: number): Buffer {
  const body = Buffer.alloc(Math.max(8, bytes), 'b');
  body.writeUInt32BE(++counter, 0);
  return body;
}

async function fill(store: MessageStore, steps: readonly Step[]): Promise<Acknowledged[]> {
  const acknowledged: Acknowledged[] = [];
  const waiting: Promise<unknown>[] = [];
  for (const each of steps) {
    if (each.kind === 'put') {
      const body = bodyOf(each.bytes);
      const { queueId } = each;
      waiting.push(
        put(store, { queueId, body }).then(({ queueOffset, physicalOffset, sizeBytes }) =>
          acknowledged.push({ queueId, queueOffset, endOffset: physicalOffset + sizeBytes, body }),
        ),
      );
    } else if (each.kind === 'batch') {
      const { queueId } = each;
      const items = Array.from({ length: each.count }, () => ({ flag: 0, body: bodyOf(200), properties: '' }));
      const shared = {
        topic: 'Orders',
        sysFlag: 0,
        bornTimestamp: 1,
        bornHost: BORN_HOST,
        reconsumeTimes: 0,
        waitStoreOk: true,
      };
      waiting.push(
        putBatch(store, { ...shared, queueId, items }).then(({ queueOffset, physicalOffset, sizeBytes }) => {
          // The end of the batch stands for each of its messages: those before a tear within it may be there or not.
          items.forEach(({ body }, i) =>
            acknowledged.push({ queueId, queueOffset: queueOffset + i, endOffset: physicalOffset + sizeBytes, body }),
          );
        }),
      );
    } else {
      await Promise.all(waiting);
      if (each.kind === 'checkpoint')
        await waitFor(() => store.stats().checkpointPhysicalOffset >= (acknowledged.at(-1)?.endOffset ?? 0));
    }
  }
  await Promise.all(waiting);
  return acknowledged;
}

function tearLog(path: string, how: 'zeros' | 'noise' | 'truncate' | 'nothing', from: number, end: number): void {
  if (how === 'nothing') return;
  if (how !== 'truncate') {
    damageLog(path, SEGMENT, from, how === 'zeros' ? Buffer.alloc(end - from) : Buffer.alloc(end - from, 0x5a));
    return;
  }
  const folder = join(path, 'commitlog');
  for (const name of readdirSync(folder)) {
    const start = Number(name);
    if (start >= from && start > 0) rmSync(join(folder, name));
    else if (start + SEGMENT > from) truncateSync(join(folder, name), from - start);
  }
}

describe('a torn log', () => {
  it('loses nothing before the tear, and has no holes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), tear, async (steps, { how, share }) => {
        const folder = tempFolder();
        const store = smallStore(folder.path, {
          checkpointIntervalMs: 3,
          consumeQueueFlushIntervalMs: 3,
          flushIntervalMs: 3,
        });
        await store.open();
        const acknowledged = await fill(store, steps);
        const copy = crashCopy(folder.path);
        const end = store.maxPhysicalOffset;
        await store.close();
        const tornAt = how === 'nothing' ? end : Math.floor(end * share);
        tearLog(copy.path, how, tornAt, end);

        const again = smallStore(copy.path);
        const report = await again.open();
        expect(report.logEndOffset).toBeLessThanOrEqual(end);
        for (let queueId = 0; queueId < QUEUES; queueId++) {
          const messages = await readQueue(again, 'Orders', queueId);
          expect(messages.map(({ queueOffset }) => queueOffset)).toEqual(messages.map((_, i) => i));
          expect(again.maxOffset('Orders', queueId)).toBe(messages.length);
          for (const expected of acknowledged) {
            if (expected.queueId !== queueId) continue;
            const found = messages[expected.queueOffset];
            if (expected.endOffset <= tornAt || found !== undefined) expect(found?.body).toEqual(expected.body);
          }
          const next = await put(again, { queueId, body: bodyOf(10) });
          expect(next).toMatchObject({ status: 'PUT_OK', queueOffset: messages.length });
        }
        await again.close();

        const third = smallStore(copy.path);
        expect(await third.open()).toMatchObject({
          cleanStop: true,
          cutBytes: 0,
          queuesRebuilt: false,
          scannedRecords: 0,
        });
        await third.close();
        expect(existsSync(join(copy.path, 'abort'))).toBe(false);
        folder.remove();
        copy.remove();
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
