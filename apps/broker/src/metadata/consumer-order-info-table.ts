import type { DatabaseKind, DatabaseWriter } from '@rocknest/config';
import { inBatches } from './batches.js';
import { checkInt32, checkName } from './checks.js';
import { JSON_MAX_LENGTH, MAX_ORDER_INFOS } from './defaults.js';
import { consumerOrderInfoEntity } from './entities/index.js';
import { toJsonColumn } from './entities/json-column.js';
import { MetadataError } from './metadata-error.js';
import { UpsertStatement } from './upsert-statement.js';
import { WriteBehind, type WriteBehindOptions, type WriteBehindSource } from './write-behind.js';

/** What a group popped in order of a queue, under the names of RocketMQ's `consumerOrderInfo.json`. */
export interface OrderInfoState {
  popTime: number;
  /** Invisible time of the pop, ms. */
  i: number;
  /** Queue offset of the first message, and the distances of the others from it. */
  o: number[];
  /** When messages whose invisible time was changed are visible again, by queue offset. */
  ot?: Record<string, number> | undefined;
  /** How often messages were popped before, by queue offset; absent: never. */
  oc?: Record<string, number> | undefined;
  /** Time of the last pop. */
  l: number;
  /** Bit i: message i is acknowledged. */
  cm: number;
  /** Id of the attempt that popped them. */
  a?: string | undefined;
}

/** A queue that is popped in order. */
export interface OrderInfoEntry {
  readonly topic: string;
  readonly group: string;
  readonly queueId: number;
  state: OrderInfoState;
}

export interface ConsumerOrderInfoTableOptions extends WriteBehindOptions {
  readonly brokerKey: string;
  readonly database: DatabaseKind;
}

/** Writes rows of broker key, group, topic, queue id and state. */
export function orderInfoUpsert(database: DatabaseKind): UpsertStatement {
  return new UpsertStatement(
    database,
    'rocknest_consumer_order_info',
    ['broker_key', 'group_name', 'topic_name', 'queue_id'],
    ['order_info'],
  );
}

/** The state of all queues that are popped in order: changed in memory, written behind. */
export class ConsumerOrderInfoTable implements WriteBehindSource {
  readonly noun = 'states of orderly pops';
  readonly writeBehind: WriteBehind;
  private readonly entries = new Map<string, OrderInfoEntry>();
  private readonly dirty = new Set<OrderInfoEntry>();
  private readonly removed = new Set<OrderInfoEntry>();
  private inFlight = 0;
  private readonly upsert: UpsertStatement;

  constructor(
    private readonly writer: DatabaseWriter,
    entries: readonly OrderInfoEntry[],
    private readonly options: ConsumerOrderInfoTableOptions,
  ) {
    for (const entry of entries) this.entries.set(keyOf(entry.topic, entry.group, entry.queueId), entry);
    this.upsert = orderInfoUpsert(options.database);
    this.writeBehind = new WriteBehind(this, options);
  }

  get(topic: string, group: string, queueId: number): OrderInfoEntry | undefined {
    return this.entries.get(keyOf(topic, group, queueId));
  }

  all(): Iterable<OrderInfoEntry> {
    return this.entries.values();
  }

  /** @throws MetadataError METADATA_LIMIT when there are too many queues, METADATA_INVALID for names that cannot be stored. */
  put(topic: string, group: string, queueId: number, state: OrderInfoState): OrderInfoEntry {
    const key = keyOf(topic, group, queueId);
    let entry = this.entries.get(key);
    if (entry === undefined) {
      this.checkNew(topic, group, queueId);
      entry = { topic, group, queueId, state };
      this.entries.set(key, entry);
    }
    entry.state = state;
    this.changed(entry);
    return entry;
  }

  /** The entry's state was changed in place. */
  changed(entry: OrderInfoEntry): void {
    this.dirty.add(entry);
  }

  delete(entry: OrderInfoEntry): void {
    if (!this.entries.delete(keyOf(entry.topic, entry.group, entry.queueId))) return;
    this.dirty.delete(entry);
    this.removed.add(entry);
  }

  pendingCount(): number {
    return this.dirty.size + this.removed.size + this.inFlight;
  }

  /** See {@link WriteBehindSource}. Removals go first: what is there again was put after them. */
  async write(): Promise<void> {
    const removed = [...this.removed];
    const changed = [...this.dirty];
    this.removed.clear();
    this.dirty.clear();
    this.inFlight = removed.length + changed.length;
    const { brokerKey } = this.options;
    try {
      if (removed.length > 0) {
        await this.writer.transaction(async (transaction) => {
          for (const { group, topic, queueId } of removed) {
            await transaction.delete(consumerOrderInfoEntity, {
              brokerKey,
              groupName: group,
              topicName: topic,
              queueId,
            });
          }
        });
      }
      await inBatches(changed, async (batch) => {
        await this.writer.query(
          this.upsert.sql(batch.length),
          batch.flatMap((entry) => this.parameters(entry)),
        );
      });
    } catch (error) {
      for (const entry of removed)
        if (this.get(entry.topic, entry.group, entry.queueId) === undefined) this.removed.add(entry);
      for (const entry of changed)
        if (this.get(entry.topic, entry.group, entry.queueId) === entry) this.dirty.add(entry);
      throw error;
    } finally {
      this.inFlight = 0;
    }
  }

  private parameters(entry: OrderInfoEntry): unknown[] {
    const json = toJsonColumn(entry.state);
    // An attempt id beyond every measure is the only thing that can make it so long; without it the state is still right.
    const kept = json.length <= JSON_MAX_LENGTH ? json : toJsonColumn({ ...entry.state, a: undefined });
    return [this.options.brokerKey, entry.group, entry.topic, entry.queueId, kept];
  }

  private checkNew(topic: string, group: string, queueId: number): void {
    checkName('group', group);
    checkName('topic', topic);
    checkInt32(`group ${group} on topic ${topic}`, { queueId });
    if (this.entries.size < MAX_ORDER_INFOS) return;
    const message = `${this.entries.size} queues are popped in order, which is the limit.`;
    throw new MetadataError('METADATA_LIMIT', message, { limit: MAX_ORDER_INFOS });
  }
}

function keyOf(topic: string, group: string, queueId: number): string {
  return `${topic}@${group}@${queueId}`;
}

/** What a row holds; undefined when it is not of this form. */
export function orderInfoStateOf(value: unknown): OrderInfoState | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const state = value as Partial<OrderInfoState>;
  const isWhole =
    Number.isSafeInteger(state.popTime) &&
    Number.isSafeInteger(state.i) &&
    Number.isSafeInteger(state.l) &&
    Number.isSafeInteger(state.cm) &&
    Array.isArray(state.o) &&
    state.o.length > 0 &&
    state.o.every((offset) => Number.isSafeInteger(offset)) &&
    isTable(state.ot) &&
    isTable(state.oc) &&
    (state.a == null || typeof state.a === 'string');
  if (!isWhole) return undefined;
  const { popTime, i, o, ot, oc, l, cm, a } = state as OrderInfoState;
  return { popTime, i, o, ...(ot && { ot }), ...(oc && { oc }), l, cm, ...(a != null && { a }) };
}

function isTable(value: unknown): boolean {
  if (value == null) return true;
  return typeof value === 'object' && Object.values(value).every((entry) => Number.isSafeInteger(entry));
}
