import type { DatabaseKind, DatabaseWriter } from '@rocknest/config';
import type { DataVersion } from '@rocknest/protocol';
import { DELAY_OFFSET_VERSION_STEP } from './defaults.js';
import { UpsertStatement } from './upsert-statement.js';
import { nextVersion, saveVersion } from './versions.js';
import { WriteBehind, type WriteBehindOptions, type WriteBehindSource } from './write-behind.js';

export interface DelayOffsetManagerOptions extends WriteBehindOptions {
  readonly brokerKey: string;
  readonly database: DatabaseKind;
}

/**
 * How far the messages of each delay level have been delivered. In memory, written behind: a crash delivers again what was
 * delivered in the last seconds.
 *
 * Follows the offset table of `broker/schedule/ScheduleMessageService.java`.
 */
export class DelayOffsetManager implements WriteBehindSource {
  readonly noun = 'delay level offsets';
  readonly writeBehind: WriteBehind;
  private readonly offsets: Map<number, number>;
  private readonly dirty = new Set<number>();
  private readonly upsert: UpsertStatement;
  private version: DataVersion;
  private savedVersion: DataVersion;
  private changes = 0;
  /** Levels of the write under way. */
  private inFlight = 0;

  constructor(
    private readonly writer: DatabaseWriter,
    offsets: ReadonlyMap<number, number>,
    dataVersion: DataVersion,
    private readonly options: DelayOffsetManagerOptions,
  ) {
    this.offsets = new Map(offsets);
    this.version = dataVersion;
    this.savedVersion = dataVersion;
    this.upsert = new UpsertStatement(
      options.database,
      'rocknest_delay_offset',
      ['broker_key', 'delay_level'],
      ['queue_offset'],
    );
    this.writeBehind = new WriteBehind(this, options);
  }

  get dataVersion(): DataVersion {
    return this.version;
  }

  /** The queue offset of the next message of a level; 0 for a level that delivered none. */
  get(level: number): number {
    return this.offsets.get(level) ?? 0;
  }

  set(level: number, queueOffset: number): void {
    if (this.offsets.get(level) === queueOffset) return;
    this.offsets.set(level, queueOffset);
    this.dirty.add(level);
    if (++this.changes % DELAY_OFFSET_VERSION_STEP === 0) this.version = nextVersion(this.version);
  }

  all(): ReadonlyMap<number, number> {
    return this.offsets;
  }

  pendingCount(): number {
    return this.dirty.size + this.inFlight;
  }

  async write(): Promise<void> {
    const levels = [...this.dirty];
    const { version } = this;
    if (levels.length > 0) {
      this.dirty.clear();
      this.inFlight = levels.length;
      const parameters = levels.flatMap((level) => [this.options.brokerKey, level, this.get(level)]);
      try {
        await this.writer.query(this.upsert.sql(levels.length), parameters);
      } catch (error) {
        for (const level of levels) this.dirty.add(level);
        throw error;
      } finally {
        this.inFlight = 0;
      }
    }
    if (version === this.savedVersion) return;
    const { brokerKey } = this.options;
    await this.writer.transaction((transaction) => saveVersion(transaction, brokerKey, 'delayOffsets', version));
    this.savedVersion = version;
  }
}
