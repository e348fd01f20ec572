import type { DatabaseKind, DatabaseWriter } from '@rocknest/config';
import type { DataVersion } from '@rocknest/protocol';
import { inBatches } from './batches.js';
import { checkInt32, checkName } from './checks.js';
import type { ConsumerOffsetTable } from './consumer-offset-table.js';
import { type DirtyOffset, type TopicOffsets } from './consumer-offset-table.js';
import { CONSUMER_OFFSET_VERSION_STEP, MAX_CONSUMER_OFFSETS } from './defaults.js';
import { consumerOffsetEntity } from './entities/index.js';
import { MetadataError } from './metadata-error.js';
import { PendingResets } from './pending-resets.js';
import { UpsertStatement } from './upsert-statement.js';
import { nextVersion, saveVersion } from './versions.js';
import { WriteBehind, type WriteBehindOptions, type WriteBehindSource } from './write-behind.js';

export interface ConsumerOffsetManagerOptions extends WriteBehindOptions {
  readonly brokerKey: string;
  readonly database: DatabaseKind;
  readonly maxOffsets?: number;
}

/**
 * How far each group has consumed each queue. Read and changed in memory; written behind in batches, so that a crash repeats what was
 * consumed in the last seconds.
 *
 * Follows `broker/offset/ConsumerOffsetManager.java`.
 */
export class ConsumerOffsetManager implements WriteBehindSource {
  readonly noun = 'consumer offsets';
  /** Offsets that were set by an administrator and that the owners of the queues may not know yet. */
  readonly resets: PendingResets;
  readonly writeBehind: WriteBehind;
  private version: DataVersion;
  private commits = 0;
  private savedVersion: DataVersion;
  /** Groups and topics whose rows are still in the database. */
  private readonly removedGroups = new Set<string>();
  private readonly removedTopics = new Set<string>();
  /** Offsets and removals of the write under way. */
  private inFlight = 0;
  private readonly upsert: UpsertStatement;
  private readonly maxOffsets: number;

  constructor(
    private readonly writer: DatabaseWriter,
    private readonly table: ConsumerOffsetTable,
    dataVersion: DataVersion,
    private readonly options: ConsumerOffsetManagerOptions,
  ) {
    this.version = dataVersion;
    this.savedVersion = dataVersion;
    this.maxOffsets = options.maxOffsets ?? MAX_CONSUMER_OFFSETS;
    this.resets = new PendingResets(this.maxOffsets);
    this.upsert = new UpsertStatement(
      options.database,
      'rocknest_consumer_offset',
      ['broker_key', 'group_name', 'topic_name', 'queue_id'],
      ['queue_offset'],
    );
    this.writeBehind = new WriteBehind(this, options);
  }

  get dataVersion(): DataVersion {
    return this.version;
  }

  /** The queue offset of the next message for the group, -1 when it never committed one. */
  query(group: string, topic: string, queueId: number): number {
    return this.table.find(group, topic)?.offsets.get(queueId) ?? -1;
  }

  /**
   * Notes an offset; smaller ones than before are noted as they are (a consumer may go back).
   *
   * @throws MetadataError METADATA_INVALID for values that cannot be stored, METADATA_LIMIT when a new offset would exceed the limit.
   */
  commit(group: string, topic: string, queueId: number, queueOffset: number): void {
    const known = this.table.find(group, topic)?.offsets.has(queueId) === true;
    if (!known) this.checkNew(group, topic, queueId);
    if (!Number.isSafeInteger(queueOffset)) {
      throw new MetadataError('METADATA_INVALID', `The offset ${queueOffset} is not a whole number below 2^53`);
    }
    this.table.set(group, topic, queueId, queueOffset);
    if (++this.commits % CONSUMER_OFFSET_VERSION_STEP === 0) this.version = nextVersion(this.version);
  }

  /**
   * Moves a group to an offset: what its members commit of this queue is not taken until one of them has been told.
   *
   * @throws MetadataError as `commit` does.
   */
  reset(group: string, topic: string, queueId: number, queueOffset: number): void {
    this.commit(group, topic, queueId, queueOffset);
    this.resets.assign(group, topic, queueId, queueOffset);
  }

  /** Topics on which a group has offsets. */
  topicsOf(group: string): string[] {
    return this.table.topicsOf(group);
  }

  /** Groups that have offsets on a topic. */
  groupsOf(topic: string): string[] {
    return this.table.groupsOf(topic);
  }

  /** The offsets of a group on a topic by queue id; undefined when there are none. */
  offsetsOf(group: string, topic: string): ReadonlyMap<number, number> | undefined {
    return this.table.find(group, topic)?.offsets;
  }

  /** Everything, one element for each group and topic. */
  all(): Iterable<Pick<TopicOffsets, 'group' | 'topic'> & { readonly offsets: ReadonlyMap<number, number> }> {
    return this.table.entries();
  }

  /** Forgets a group's offsets: in memory at once, in the database with the write that this starts. */
  deleteGroup(group: string): void {
    for (const topic of this.table.topicsOf(group)) this.table.remove(group, topic);
    this.resets.forget((ofGroup) => ofGroup === group);
    this.removedGroups.add(group);
    this.writeBehind.flushSoon();
  }

  /** Forgets the offsets of all groups on a topic: in memory at once, in the database with the write that this starts. */
  deleteTopic(topic: string): void {
    for (const group of this.table.groupsOf(topic)) this.table.remove(group, topic);
    this.resets.forget((_group, ofTopic) => ofTopic === topic);
    this.removedTopics.add(topic);
    this.writeBehind.flushSoon();
  }

  pendingCount(): number {
    return this.table.dirtySize + this.removedGroups.size + this.removedTopics.size + this.inFlight;
  }

  /**
   * See {@link WriteBehindSource}. Removals and dirty offsets are taken at one moment, and removals go first: what is dirty for a removed
   * group or topic was committed after the removal.
   */
  async write(): Promise<void> {
    const groups = [...this.removedGroups];
    const topics = [...this.removedTopics];
    this.removedGroups.clear();
    this.removedTopics.clear();
    const dirty = this.table.takeDirty();
    this.inFlight = groups.length + topics.length + dirty.length;
    let removed = false;
    let written = 0;
    try {
      await this.writeRemovals(groups, topics);
      removed = true;
      await inBatches(dirty, async (batch) => {
        await this.writer.query(this.upsert.sql(batch.length), this.parameters(batch));
        written += batch.length;
      });
    } catch (error) {
      this.table.giveBack(dirty.slice(written));
      if (!removed) {
        for (const group of groups) this.removedGroups.add(group);
        for (const topic of topics) this.removedTopics.add(topic);
      }
      throw error;
    } finally {
      this.inFlight = 0;
    }
    const { version } = this;
    if (version === this.savedVersion) return;
    const { brokerKey } = this.options;
    await this.writer.transaction((transaction) => saveVersion(transaction, brokerKey, 'consumerOffsets', version));
    this.savedVersion = version;
  }

  private async writeRemovals(groups: readonly string[], topics: readonly string[]): Promise<void> {
    if (groups.length + topics.length === 0) return;
    const { brokerKey } = this.options;
    await this.writer.transaction(async (transaction) => {
      const remove = (column: string) => (names: string[]) =>
        transaction
          .createQueryBuilder()
          .delete()
          .from(consumerOffsetEntity)
          .where(`broker_key = :brokerKey AND ${column} IN (:...names)`, { brokerKey, names })
          .execute()
          .then(() => undefined);
      await inBatches(groups, remove('group_name'));
      await inBatches(topics, remove('topic_name'));
    });
  }

  private parameters(batch: readonly DirtyOffset[]): unknown[] {
    const parameters: unknown[] = [];
    for (const { owner, queueId } of batch) {
      parameters.push(this.options.brokerKey, owner.group, owner.topic, queueId, owner.offsets.get(queueId));
    }
    return parameters;
  }

  private checkNew(group: string, topic: string, queueId: number): void {
    checkName('group', group);
    checkName('topic', topic);
    checkInt32(`group ${group} on topic ${topic}`, { queueId });
    if (this.table.size < this.maxOffsets) return;
    const message = `${this.table.size} consumer offsets are held, which is the limit. Delete groups or topics that are not used.`;
    throw new MetadataError('METADATA_LIMIT', message, { limit: this.maxOffsets });
  }
}
