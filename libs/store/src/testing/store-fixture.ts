import {
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageExt } from '@rocknest/protocol';
import { decodeMessages, encodeHost } from '@rocknest/protocol';
import { LocalMachine } from '../io/machine.js';
import { decodeOwner, encodeOwner } from '../lock/lock-owner.js';
import { MessageStore } from '../message-store.js';
import type { MessageStoreOptions } from '../message-store-options.js';
import type { GetRequest, GetResult, PutBatch, PutMessage, PutResult, StoreLogger } from '../types.js';

export const BORN_HOST = encodeHost('10.1.2.3:4567');
export const STORE_HOST = '127.0.0.1:10911';

/** Keeps what was logged, for assertions. */
export class CollectingLogger implements StoreLogger {
  readonly lines: string[] = [];

  log(message: string): void {
    this.lines.push(message);
  }

  warn(message: string): void {
    this.lines.push(message);
  }

  error(message: string): void {
    this.lines.push(message);
  }
}

/** A temporary folder; `remove` at the end of the test. */
export function tempFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'rocknest-store-'));
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** A store with small files, so that a test of a few KiB crosses their borders. */
export function smallStore(rootPath: string, options: Partial<MessageStoreOptions> = {}): MessageStore {
  return new MessageStore({
    rootPath,
    storeHost: STORE_HOST,
    segmentSizeBytes: 16 * 1024,
    consumeQueueFileEntries: 50,
    // A whole index file has 420 MB: sparse, but copies of folders are not.
    maxHashSlotNum: 500,
    maxIndexNum: 2_000,
    logger: new CollectingLogger(),
    // The disk of the machine may be nearly full: tests of the watermarks bring their own.
    diskMaxUsedSpaceRatio: 100,
    diskSpaceCleanForciblyRatio: 100,
    diskSpaceWarningLevelRatio: 100,
    ...options,
  });
}

export function message(overrides: Partial<PutMessage> = {}): PutMessage {
  return {
    topic: 'Orders',
    queueId: 0,
    flag: 7,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_123,
    bornHost: BORN_HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from('hello'),
    properties: 'TAGS\u0001TagA\u0002KEYS\u0001k1\u0002',
    tagsCode: 2598919,
    waitStoreOk: true,
    ...overrides,
  };
}

export function put(store: MessageStore, overrides: Partial<PutMessage> = {}): Promise<PutResult> {
  return new Promise((resolve) => {
    store.putMessage(message(overrides), resolve);
  });
}

export function putBatch(store: MessageStore, batch: PutBatch): Promise<PutResult> {
  return new Promise((resolve) => {
    store.putBatch(batch, resolve);
  });
}

export async function get(store: MessageStore, request: Partial<GetRequest> = {}): Promise<GetResult> {
  return store.getMessage({ topic: 'Orders', queueId: 0, queueOffset: 0, maxMessages: 32, ...request });
}

export function decodeAll(result: GetResult): MessageExt[] {
  return decodeMessages(Buffer.concat(result.records));
}

/** Every message of a queue, from its minimum to its maximum offset, pull by pull. */
export async function readQueue(store: MessageStore, topic = 'Orders', queueId = 0): Promise<MessageExt[]> {
  const messages: MessageExt[] = [];
  let queueOffset = store.minOffset(topic, queueId);
  while (queueOffset < store.maxOffset(topic, queueId)) {
    const result = await get(store, { topic, queueId, queueOffset });
    messages.push(...decodeAll(result));
    if (result.nextBeginOffset <= queueOffset) throw new Error(`no progress at ${queueOffset}: ${result.status}`);
    queueOffset = result.nextBeginOffset;
  }
  return messages;
}

/** No kernel gives a process this id. */
const DEAD_PID = 2 ** 30;

/** What a killed process leaves behind: the folder as it is, copied while the store is open, with a lock whose owner is dead. */
export function crashCopy(rootPath: string): { path: string; remove(): void } {
  const copy = tempFolder();
  cpSync(rootPath, copy.path, { recursive: true });
  // Our own pid would be alive, and the inode alone does not tell a copy for sure: the kernel may give one again that was freed.
  const lock = join(copy.path, 'lock');
  const owner = existsSync(lock) ? decodeOwner(readFileSync(lock)) : undefined;
  if (owner !== undefined) writeFileSync(lock, encodeOwner({ ...owner, pid: DEAD_PID }));
  return copy;
}

/** Overwrites the log from a physical offset on, over all segments. */
export function damageLog(rootPath: string, segmentSizeBytes: number, physicalOffset: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length;) {
    const at = physicalOffset + done;
    const start = at - (at % segmentSizeBytes);
    const length = Math.min(bytes.length - done, start + segmentSizeBytes - at);
    const path = join(rootPath, 'commitlog', String(start).padStart(20, '0'));
    if (!existsSync(path)) return;
    const file = openSync(path, 'r+');
    writeSync(file, bytes, done, length, at - start);
    closeSync(file);
    done += length;
  }
}

/** A machine whose kernel was started anew. */
export class RestartedMachine extends LocalMachine {
  override bootId(): string {
    return 'the next run of the kernel';
  }
}
