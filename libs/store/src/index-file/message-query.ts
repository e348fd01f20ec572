import { decodeProperties } from '@rocknest/protocol';
import { RecordDecoder } from '../commit-log/record-check.js';
import { StoreError } from '../errors.js';
import type { Clock } from '../io/clock.js';
import type { RecordLookup } from '../read/record-lookup.js';
import type { StoreLogger } from '../types.js';
import type { IndexQueryOptions } from './index-query.js';
import { IndexQuery } from './index-query.js';
import type { IndexService } from './index-service.js';
import { indexedKeysOf, indexKeyHash, keysOf, tagsKey } from './key-hash.js';
import { QueryGate } from './query-gate.js';

export interface MessageQueryOptions extends IndexQueryOptions {
  /** [maxMsgsNumBatch] Messages that one query returns, at most. */
  readonly maxMessages: number;
  /** Bytes of records that one query returns, at most; the first one is returned whatever its size. */
  readonly maxBytes: number;
  readonly maxConcurrent: number;
  readonly maxWaiting: number;
}

/** What a query asks for: a key, or the TAGS of a message as a whole. */
export interface IndexedText {
  readonly text: string;
  readonly isTags: boolean;
}

/** What a query by key found. */
export interface QueryMessageResult {
  /** Whole records, oldest first. */
  readonly records: readonly Buffer[];
  /** Store time of the newest message in the index; 0 for an empty one. */
  readonly indexLastUpdateTimestamp: number;
  /** Its physical offset. */
  readonly indexLastUpdatePhyoffset: number;
}

const NOTHING: QueryMessageResult = { records: [], indexLastUpdateTimestamp: 0, indexLastUpdatePhyoffset: 0 };

/**
 * Messages by key (DefaultMessageStore.queryMessage). Unlike RocketMQ it compares topic and keys of each record, so that messages whose keys
 * only have the same hash take no place of those that were asked for; clients compare them all the same.
 */
export class MessageQuery {
  private readonly decoder = new RecordDecoder([]);
  private readonly gate: QueryGate;

  constructor(
    private readonly options: MessageQueryOptions,
    private readonly index: IndexService,
    private readonly lookup: RecordLookup,
    private readonly clock: Clock,
    private readonly logger: StoreLogger,
  ) {
    this.gate = new QueryGate(options.maxConcurrent, options.maxWaiting);
  }

  /** The newest messages of the topic with that key, UNIQ_KEY or a word of KEYS, or with those tags, whose store time lies in the range. */
  async find(
    topic: string,
    key: IndexedText,
    maxMessages: number,
    beginMs: number,
    endMs: number,
  ): Promise<QueryMessageResult> {
    const wanted = Math.min(maxMessages, this.options.maxMessages);
    if (wanted <= 0) return NOTHING;
    if (!(await this.gate.enter())) {
      throw new StoreError(
        'STORE_BUSY',
        `${this.options.maxWaiting} queries by key wait already: try again later`,
        { maxWaiting: this.options.maxWaiting },
        { retriable: true },
      );
    }
    try {
      await this.index.catchUp();
      return await this.search(topic, key, wanted, beginMs, endMs);
    } finally {
      this.gate.leave();
    }
  }

  /** Whether the message at the offset has a key of that hash: tells an index of this log from another. */
  readonly hasKey = async (
    physicalOffset: number,
    keyHash: number,
  ): Promise<{ matches: boolean; storeTimestamp: number } | undefined> => {
    const record = await this.lookup.find(physicalOffset);
    if (record === undefined) return undefined;
    const { topic, properties, storeTimestamp } = this.decoder.decode(record, 0, record.length);
    const matches = indexedKeysOf(decodeProperties(properties)).some((key) => indexKeyHash(topic, key) === keyHash);
    return { matches, storeTimestamp };
  };

  private async search(
    topic: string,
    wantedText: IndexedText,
    wanted: number,
    beginMs: number,
    endMs: number,
  ): Promise<QueryMessageResult> {
    const found = new Map<number, Buffer>();
    let sizeBytes = 0;
    const visit = async (physicalOffset: number): Promise<boolean> => {
      if (found.has(physicalOffset)) return true;
      const record = await this.lookup.find(physicalOffset);
      if (record === undefined || !this.matches(record, topic, wantedText, beginMs, endMs)) return true;
      if (found.size > 0 && sizeBytes + record.length > this.options.maxBytes) return false;
      // A copy: records of a few hundred bytes would hold whole pieces of the log while they wait for the socket.
      found.set(physicalOffset, Buffer.from(record));
      sizeBytes += record.length;
      return found.size < wanted;
    };
    const files = [...this.index.openFiles];
    const { text, isTags } = wantedText;
    const keyHash = indexKeyHash(topic, isTags ? tagsKey(text) : text);
    const query = new IndexQuery(this.options, this.clock, keyHash, beginMs, endMs, visit);
    if (!(await query.run(files))) {
      this.logger.warn(
        `a query for ${isTags ? 'the tags' : 'key'} ${text.slice(0, 100)} of topic ${topic} was ended by its limit of ${this.options.maxSteps} entries or ${this.options.maxMs} ms with ${found.size} messages`,
      );
    }
    const newest = files.at(-1)?.header;
    return {
      records: [...found.keys()].sort((a, b) => a - b).map((offset) => found.get(offset) ?? Buffer.alloc(0)),
      indexLastUpdateTimestamp: newest?.endTimestamp ?? 0,
      indexLastUpdatePhyoffset: newest?.endPhyOffset ?? 0,
    };
  }

  private matches(
    record: Buffer,
    topic: string,
    { text, isTags }: IndexedText,
    beginMs: number,
    endMs: number,
  ): boolean {
    const request = this.decoder.decode(record, 0, record.length);
    if (request.topic !== topic || request.storeTimestamp < beginMs || request.storeTimestamp > endMs) return false;
    const properties = decodeProperties(request.properties);
    return isTags ? properties.TAGS === text : keysOf(properties).includes(text);
  }
}
