import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageStore } from '../message-store.js';
import type { MessageStoreOptions } from '../message-store-options.js';
import { FaultyFileSystem } from './faulty-file-system.js';
import { ShiftedClock } from './shifted-clock.js';
import { CollectingLogger, put, smallStore, tempFolder } from './store-fixture.js';

const HOUR_MS = 3_600_000;
/** More than the clock is moved by when the hour is set. */
export const RESERVED_HOURS = 96;
export const SEGMENT_BYTES = 16 * 1024;

/** A store of small segments whose clock and disk a test controls. It is noon. */
export class RetentionHarness {
  readonly folder = tempFolder();
  readonly disk = new FaultyFileSystem();
  readonly clock = new ShiftedClock();
  readonly logger = new CollectingLogger();
  private opened: MessageStore | undefined = undefined;

  constructor() {
    this.clock.moveToHour(12);
  }

  get store(): MessageStore {
    if (this.opened === undefined) throw new Error('open the store first');
    return this.opened;
  }

  /** Not opened yet. */
  newStore(options: Partial<MessageStoreOptions> = {}): MessageStore {
    this.opened = smallStore(this.folder.path, {
      fileSystem: this.disk,
      clock: this.clock,
      logger: this.logger,
      cleanResourceIntervalMs: 2,
      deleteCommitLogFilesIntervalMs: 1,
      deleteConsumeQueueFilesIntervalMs: 1,
      fileReservedTimeHours: RESERVED_HOURS,
      messageIndexEnable: false,
      ...options,
    });
    return this.opened;
  }

  async open(options: Partial<MessageStoreOptions> = {}): Promise<void> {
    await this.newStore(options).open();
  }

  async end(): Promise<void> {
    this.disk.release();
    this.disk.onRemove = () => undefined;
    this.disk.onWrite = () => undefined;
    await this.opened?.close().catch(() => undefined);
    this.folder.remove();
  }

  /** About 15 messages fill one segment. */
  async fill(messages: number, queueIds = 1): Promise<void> {
    for (let i = 0; i < messages; i++) await put(this.store, { queueId: i % queueIds, body: Buffer.alloc(900, i) });
  }

  /** Everything stored so far is older than fileReservedTime; it is noon again. */
  expire(): void {
    this.clock.shiftMs += (RESERVED_HOURS + 1) * HOUR_MS;
    this.clock.moveToHour(12);
  }

  /** Start of the segment that takes messages. */
  get activeOffset(): number {
    return this.store.maxPhysicalOffset - (this.store.maxPhysicalOffset % SEGMENT_BYTES);
  }

  get segmentNames(): string[] {
    return readdirSync(join(this.folder.path, 'commitlog')).sort();
  }

  queueFiles(queueId: number): string[] {
    return readdirSync(join(this.folder.path, 'consumequeue', 'Orders', String(queueId))).sort();
  }

  /** Waits until so many runs of retention ended. */
  async runs(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      // Each run asks for two folders, and begins behind the end of the one before.
      const before = this.disk.usageCalls;
      while (this.disk.usageCalls < before + 2) await this.clock.sleep(1);
    }
  }

  logged(text: string): string[] {
    return this.logger.lines.filter((line) => line.includes(text));
  }
}
