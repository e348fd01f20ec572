import { encodeHost, MessageSysFlag, SCHEDULE_TOPIC, tagsCodeOf } from '@rocknest/protocol';
import { DELAY_LEVELS_MS } from '../defaults.js';
import type { PutMessage, PutStatus } from '../types.js';
import { SimRandom } from './sim-random.js';

export const BORN_HOST = encodeHost('10.9.8.7:6543');

/** How much a message may be lost: not at all, with the power, or with the process. */
export type Durability = 'none' | 'process' | 'stable';

/** A message that the history sent, and what is known of its fate. */
export class SimMessage {
  answers = 0;
  status: PutStatus | undefined = undefined;
  /** As the store answered, or as recovery was seen to have it; -1 while not known. */
  queueOffset = -1;
  physicalOffset = -1;
  storeTimestamp = 0;
  sizeBytes = 0;
  /** What the store owes. */
  durability: Durability = 'none';
  /** Its topic was deleted: for good, or the store died over it. */
  deleted: 'no' | 'maybe' | 'yes' = 'no';

  constructor(
    /** Ascending in the order of the puts. */
    readonly id: number,
    readonly topic: string,
    readonly queueId: number,
    readonly bodyBytes: number,
    readonly tag: string,
    readonly delayLevel: number,
    readonly sysFlag: number,
    readonly waitStoreOk: boolean,
    /** Puts before this number belong to earlier runs of the store. */
    readonly life: number,
  ) {}

  get endOffset(): number {
    return this.physicalOffset + this.sizeBytes;
  }

  /** Half and rolled-back messages of transactions stand in the log alone. */
  get hasQueueEntry(): boolean {
    const type = this.sysFlag & MessageSysFlag.TRANSACTION_ROLLBACK_TYPE;
    return type === MessageSysFlag.TRANSACTION_NOT_TYPE || type === MessageSysFlag.TRANSACTION_COMMIT_TYPE;
  }

  get properties(): string {
    const delay = this.topic === SCHEDULE_TOPIC ? `DELAY\u0001${this.delayLevel}\u0002` : '';
    return `${delay}TAGS\u0001${this.tag}\u0002KEYS\u0001${this.key}\u0002`;
  }

  /** By which the index finds it, and no other. */
  get key(): string {
    return `k${this.id}`;
  }

  /** What its consume queue entry must say. */
  tagsCode(storeTimestamp: number): number {
    return this.topic === SCHEDULE_TOPIC ? storeTimestamp + DELAY_LEVELS_MS[this.delayLevel - 1] : tagsCodeOf(this.tag);
  }

  /** Different for each message; some hold what looks like the head of a record. */
  body(): Buffer {
    const body = Buffer.alloc(this.bodyBytes);
    const random = new SimRandom(this.id);
    for (let at = 8; at + 4 <= body.length; at += 4) body.writeUInt32BE(random.next(), at);
    if (body.length > 64 && random.chance(0.1)) body.writeUInt32BE(0xdaa320a7, random.between(8, body.length - 4));
    body.writeUInt32BE(0x53494d21, 0);
    body.writeUInt32BE(this.id, 4);
    return body;
  }

  toPut(): PutMessage {
    return {
      topic: this.topic,
      queueId: this.queueId,
      flag: this.id & 0xff,
      sysFlag: this.sysFlag,
      bornTimestamp: 1_700_000_000_000 + this.id,
      bornHost: BORN_HOST,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: this.body(),
      properties: this.propertiesToPut(),
      tagsCode: tagsCodeOf(this.tag),
      waitStoreOk: this.waitStoreOk,
    };
  }

  /** In each of the forms that a put takes. */
  private propertiesToPut(): PutMessage['properties'] {
    const text = Buffer.from(this.properties);
    if (this.id % 3 === 0) return this.properties;
    if (this.id % 3 === 1) return text;
    const suffixAt = text.indexOf('TAGS');
    const view = new DataView(text.buffer, text.byteOffset, text.length);
    const suffix = new DataView(text.buffer, text.byteOffset + suffixAt, text.length - suffixAt);
    return { view, start: 0, end: suffixAt, suffix };
  }

  toString(): string {
    return `message ${this.id} (${this.topic}-${this.queueId}@${this.queueOffset}, log ${this.physicalOffset}+${this.sizeBytes}, ${this.status ?? 'not answered'}, owed: ${this.durability})`;
  }
}

export const MIN_BODY_BYTES = 8;

/** The id that a body begins with, or undefined when it is no body of ours. */
export function idOfBody(body: Buffer): number | undefined {
  return body.length >= MIN_BODY_BYTES && body.readUInt32BE(0) === 0x53494d21 ? body.readUInt32BE(4) : undefined;
}
