import { crc32 } from 'node:zlib';
import type { RawRecord } from '../../support/raw-record.js';

const POOL_BYTES = 64 * 1024;
const LARGE_EVERY = 1_000;
const LARGE_BYTES = 4_096;
const pool = Buffer.alloc(POOL_BYTES);
for (let at = 0, state = 1; at < POOL_BYTES; at++) {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  pool[at] = state >>> 24;
}

/** The body of message number `index`: its number, then bytes that depend on it; 100 to 259 bytes, now and then 4 KiB. */
export function exchangeBody(index: number): Buffer {
  const length = index % LARGE_EVERY === 0 ? LARGE_BYTES : 100 + ((index * 37) % 160);
  const body = Buffer.allocUnsafe(length);
  body.writeUInt32BE(index, 0);
  const from = (index * 13) % (POOL_BYTES - LARGE_BYTES);
  pool.copy(body, 4, from, from + length - 4);
  return body;
}

/** The properties of message number `index`, as they are sent. */
export function exchangeProperties(index: number): Record<string, string> {
  return { KEYS: `key-${index}`, TAGS: `Tag${index % 7}`, text: `größe 漢字 ${index % 97}`, number: String(index) };
}

/** What was sent and acknowledged to a queue, and what an audit found there before. */
interface QueueLedger {
  /** Number of the message at each queue offset. */
  readonly numbers: number[];
  /** CRC of each whole record as the first audit saw it. */
  readonly recordCrcs: number[];
}

/** Keeps what each queue must hold, over all brokers that serve it in turn. */
export class ExchangeLedger {
  private readonly queues = new Map<string, QueueLedger>();

  /** Messages `first`, `first + 1`, ... were acknowledged from `queueOffset` on. */
  sent(topic: string, queueId: number, queueOffset: number, first: number, count: number): void {
    const { numbers } = this.queue(topic, queueId);
    for (let i = 0; i < count; i++) {
      if (numbers[queueOffset + i] !== undefined)
        throw new Error(`${topic}-${queueId} gave offset ${queueOffset + i} twice`);
      numbers[queueOffset + i] = first + i;
    }
  }

  /** Messages acknowledged to a queue. */
  countOf(topic: string, queueId: number): number {
    return this.queue(topic, queueId).numbers.length;
  }

  /** @returns what is wrong with a record, or undefined. */
  check(record: RawRecord, bytes: Buffer, hasNumbers: boolean): string | undefined {
    const { numbers, recordCrcs } = this.queue(record.topic, record.queueId);
    const recordCrc = crc32(bytes);
    const before = recordCrcs[record.queueOffset] as number | undefined;
    recordCrcs[record.queueOffset] = recordCrc;
    if (before !== undefined && before !== recordCrc) return 'has other bytes than an earlier audit saw';
    if (!hasNumbers) return undefined;
    const number = numbers[record.queueOffset] as number | undefined;
    if (number === undefined) return 'was never acknowledged';
    if (!record.body.equals(exchangeBody(number))) return `holds another body than that of message ${number}`;
    return differentProperty(record.properties, exchangeProperties(number));
  }

  private queue(topic: string, queueId: number): QueueLedger {
    const key = `${topic}/${queueId}`;
    let queue = this.queues.get(key);
    if (queue === undefined) this.queues.set(key, (queue = { numbers: [], recordCrcs: [] }));
    return queue;
  }
}

function differentProperty(text: string, expected: Record<string, string>): string | undefined {
  const found = new Map<string, string>();
  for (const pair of text.split('\u0002')) {
    const at = pair.indexOf('\u0001');
    if (at >= 0) found.set(pair.slice(0, at), pair.slice(at + 1));
  }
  for (const [name, value] of Object.entries(expected)) {
    if (found.get(name) !== value) return `has ${name}=${found.get(name) ?? '(nothing)'} instead of ${value}`;
  }
  return undefined;
}
