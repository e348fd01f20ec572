import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  decodeOffsetSerializeWrapper,
  encodeOffsetSerializeWrapper,
  messageQueueKey,
  type MessageQueue,
} from '@rocknest/protocol';
import { MAX_LOCAL_OFFSETS_BYTES } from '../defaults.js';
import { errorText, MQClientError, MQClientErrorCode } from '../errors.js';
import { LogLimiter, type ClientLogger } from '../logger.js';
import { OFFSET_NOT_FOUND, type OffsetStore } from './offset-store.js';
import type { ConsumeQueueRef } from './queue-ref.js';

export interface LocalFileOffsetStoreOptions {
  group: string;
  clientId: string;
  /** Folder of the offsets of all clients. */
  directory: string;
  logger: ClientLogger;
}

/** Where Java keeps them too (`rocketmq.client.localOffsetStoreDir`, by default `<user.home>/.rocketmq_offsets`). */
export function defaultLocalOffsetDirectory(): string {
  return join(homedir(), '.rocketmq_offsets');
}

interface Stored {
  readonly queue: MessageQueue;
  readonly offset: number;
}

/**
 * Offsets of a broadcasting consumer, in `<directory>/<clientId>/<group>/offsets.json`, which the Java client reads and writes too
 * (RocketMQ: `client/consumer/store/LocalFileOffsetStore.java`). A new file takes the old one's place whole; the one before stays as `.bak`, and
 * is read when the file is missing or torn.
 */
export class LocalFileOffsetStore implements OffsetStore {
  readonly path: string;
  /** Of the queues that are consumed now. */
  private readonly live = new Map<string, { readonly queue: ConsumeQueueRef; offset: number }>();
  /** What the file holds, queues that are not consumed any more included. */
  private stored = new Map<string, Stored>();
  private readonly troubles = new LogLimiter();
  private writing: Promise<boolean> = Promise.resolve(true);
  /** What stands at `path` may become the backup. */
  private fileIsWhole = false;

  constructor(private readonly options: LocalFileOffsetStoreOptions) {
    this.path = join(options.directory, options.clientId, options.group, 'offsets.json');
  }

  /** @throws MQClientError LOCAL_OFFSETS_UNREADABLE when the file is missing or damaged and its backup is damaged too. */
  async load(): Promise<void> {
    const { group, logger } = this.options;
    let problem = 'missing';
    try {
      const table = await this.readTable(this.path);
      this.fileIsWhole = table !== undefined;
      if (table) {
        this.stored = table;
        return;
      }
    } catch (error) {
      problem = `damaged: ${errorText(error)}`;
    }
    const backup = await this.readTable(`${this.path}.bak`).catch((cause: unknown) => {
      throw new MQClientError(
        MQClientErrorCode.LOCAL_OFFSETS_UNREADABLE,
        `group ${group}: ${this.path} is ${problem}, and its .bak can't be read (${errorText(cause)}); ` +
          'repair one of them, or delete both to begin where consumeFromWhere says',
        { cause, details: { group, path: this.path } },
      );
    });
    if (backup) logger.warn(`group ${group}: ${this.path} is ${problem}; the offsets of its .bak are taken`);
    else if (problem !== 'missing') {
      logger.warn(
        `group ${group}: ${this.path} is ${problem}, and there is no .bak; consumption begins where consumeFromWhere says`,
      );
    }
    this.stored = backup ?? new Map<string, Stored>();
  }

  update(queue: ConsumeQueueRef, offset: number, increaseOnly: boolean): void {
    const entry = this.live.get(queue.key);
    if (!entry) this.live.set(queue.key, { queue, offset });
    else if (!increaseOnly || offset > entry.offset) entry.offset = offset;
  }

  inMemory(queue: ConsumeQueueRef): number | undefined {
    return this.live.get(queue.key)?.offset;
  }

  /** Brokers keep no offset of a broadcasting group. */
  notPersisted(): undefined {
    return undefined;
  }

  async read(queue: ConsumeQueueRef): Promise<number> {
    const offset = this.stored.get(queue.key)?.offset ?? OFFSET_NOT_FOUND;
    if (offset >= 0) this.live.set(queue.key, { queue, offset });
    return offset;
  }

  async persist(queue: ConsumeQueueRef): Promise<boolean> {
    const entry = this.live.get(queue.key);
    return entry === undefined || this.write([entry]);
  }

  async persistAll(): Promise<void> {
    await this.write([...this.live.values()]);
  }

  remove(queue: ConsumeQueueRef): void {
    this.live.delete(queue.key);
  }

  table(topic?: string): [MessageQueue, number][] {
    return [...this.live.values()]
      .filter((entry) => topic === undefined || entry.queue.topic === topic)
      .map(({ queue, offset }) => [plain(queue), offset]);
  }

  /** One write at a time; one that changes nothing is left out. */
  private write(entries: readonly { queue: ConsumeQueueRef; offset: number }[]): Promise<boolean> {
    this.writing = this.writing.then(async () => {
      const next = new Map(this.stored);
      for (const { queue, offset } of entries) {
        if (next.get(queue.key)?.offset !== offset) next.set(queue.key, { queue: plain(queue), offset });
      }
      if ([...next].every(([key, value]) => this.stored.get(key) === value)) return true;
      try {
        await this.replaceFile(next);
        this.stored = next;
        this.troubles.clear('write');
        return true;
      } catch (error) {
        if (this.troubles.allows('write')) {
          this.options.logger.warn(
            `group ${this.options.group}: offsets not written to ${this.path}, tried again later: ${errorText(error)}`,
          );
        }
        return false;
      }
    });
    return this.writing;
  }

  private async replaceFile(table: ReadonlyMap<string, Stored>): Promise<void> {
    const offsetTable = [...table.values()].map(({ queue, offset }) => ({ queue, value: offset }));
    await mkdir(dirname(this.path), { recursive: true });
    const temporary = `${this.path}.tmp`;
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(encodeOffsetSerializeWrapper({ offsetTable }));
      // The name must not point to bytes that are not on the disk yet.
      await file.datasync();
    } finally {
      await file.close();
    }
    // Between the two renames only the backup is there, which `load` takes then.
    if (this.fileIsWhole) await rename(this.path, `${this.path}.bak`).catch(ignoreMissing);
    await rename(temporary, this.path);
    this.fileIsWhole = true;
  }

  /** Undefined when there is no such file, or an empty one. @throws ProtocolError for a damaged one. */
  private async readTable(path: string): Promise<Map<string, Stored> | undefined> {
    const sizeBytes = await stat(path).then(
      (stats) => stats.size,
      (error: unknown) => ignoreMissing(error) ?? 0,
    );
    if (sizeBytes === 0) return undefined;
    if (sizeBytes > MAX_LOCAL_OFFSETS_BYTES) {
      throw new MQClientError(
        MQClientErrorCode.LOCAL_OFFSETS_UNREADABLE,
        `${path} has ${sizeBytes} bytes, more than the ${MAX_LOCAL_OFFSETS_BYTES} that are read`,
      );
    }
    const { offsetTable } = decodeOffsetSerializeWrapper(await readFile(path));
    return new Map(offsetTable.map(({ queue, value }) => [messageQueueKey(queue), { queue, offset: value }]));
  }
}

function plain({ topic, brokerName, queueId }: MessageQueue): MessageQueue {
  return { topic, brokerName, queueId };
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
