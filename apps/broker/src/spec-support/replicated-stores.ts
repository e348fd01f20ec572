import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHost } from '@rocknest/protocol';
import { MessageStore, type PutResult } from '@rocknest/store';
import type { BrokerLogger } from '../logger.js';

const BORN_HOST = encodeHost('10.1.2.3:4567');

/** The stores of a test of replication, with small files, and what was logged beside them. */
export class ReplicatedStores {
  readonly lines: string[] = [];
  readonly logger: BrokerLogger;
  private readonly root = mkdtempSync(join(tmpdir(), 'rocknest-lines-'));
  private readonly stores: MessageStore[] = [];

  constructor(private readonly segmentSizeBytes: number) {
    const keep = (line: string): void => void this.lines.push(line);
    this.logger = { log: keep, warn: keep, error: keep };
  }

  folder(name: string): string {
    return join(this.root, name);
  }

  async open(name: string): Promise<MessageStore> {
    const store = new MessageStore({
      rootPath: this.folder(name),
      storeHost: '127.0.0.1:10911',
      segmentSizeBytes: this.segmentSizeBytes,
      consumeQueueFileEntries: 1_000,
      messageIndexEnable: false,
      // The disk of the machine may be nearly full.
      diskMaxUsedSpaceRatio: 100,
      diskSpaceCleanForciblyRatio: 100,
      diskSpaceWarningLevelRatio: 100,
      logger: this.logger,
    });
    await store.open();
    this.stores.push(store);
    return store;
  }

  async close(): Promise<void> {
    for (const store of this.stores) await store.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Puts a message of each size. @returns the answers, in this order. */
export function fill(store: MessageStore, bodyBytes: readonly number[]): Promise<PutResult>[] {
  return bodyBytes.map(
    (bytes, index) =>
      new Promise((resolve) => {
        const put = {
          topic: 'Orders',
          queueId: index % 2,
          flag: 0,
          sysFlag: 0,
          bornTimestamp: 1_700_000_000_123,
          bornHost: BORN_HOST,
          reconsumeTimes: 0,
          preparedTransactionOffset: 0,
          body: Buffer.alloc(bytes, `${index} `),
          properties: '',
          tagsCode: 0,
          waitStoreOk: true,
        };
        store.putMessage(put, resolve);
      }),
  );
}

/** The log from an offset on, as it is. */
export async function rawLog(store: MessageStore, fromOffset: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const target = Buffer.alloc(64 * 1024);
  for (let offset = fromOffset; offset < store.maxPhysicalOffset;) {
    const bytes = await store.replication.reader.readInto(offset, target, target.length);
    if (bytes === 0) throw new Error(`nothing can be read at ${offset}`);
    pieces.push(Buffer.from(target.subarray(0, bytes)));
    offset += bytes;
  }
  return Buffer.concat(pieces);
}
