import { crc32 } from 'node:zlib';
import type { RecoveryPoint } from '../checkpoint/store-checkpoint.js';
import { StoreError } from '../errors.js';
import { ENTRY_BYTES } from './queue-entry.js';
import type { QueueState } from './queue-state.js';

/** "RNQT". */
const MAGIC = 0x524e5154;
const VERSION = 1;
const HEAD_BYTES = 64;
const BOOT_ID_BYTES = 40;
const QUEUE_BYTES = 4 + 8 * 8 + 4;
const CRC_BYTES = 4;
const END_OF_TOPICS = 0;
const CHUNK_BYTES = 256 * 1024;

/** What a queue table says besides the queues. */
export interface QueueTableHead {
  readonly point: RecoveryPoint;
  /** Start of the log: with another one, the minimum offsets of queues are out of date. */
  readonly minPhysicalOffset: number;
  readonly fileEntries: number;
  /** The run of the kernel: what only the page cache had is there as long as it goes on. */
  readonly bootId: string;
}

export interface QueueTableEntry {
  readonly topic: string;
  readonly queueId: number;
  readonly state: QueueState;
}

/**
 * Encodes a queue table piece by piece: head, then for each topic its name and its queues, an empty name, the CRC of all. Numbers are
 * big-endian, offsets float64 (whole numbers below 2^53).
 */
export class QueueTableEncoder {
  private buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  private at = 0;
  private crc = 0;
  readonly chunks: Buffer[] = [];

  constructor(head: QueueTableHead) {
    this.need(HEAD_BYTES + BOOT_ID_BYTES);
    const { point } = head;
    this.buffer.fill(0, 0, HEAD_BYTES + BOOT_ID_BYTES);
    this.buffer.writeUInt32BE(MAGIC, 0);
    this.buffer.writeUInt32BE(VERSION, 4);
    this.at = 8;
    this.number(point.physicalOffset);
    this.number(point.lastRecordOffset);
    this.number(point.entryCount);
    this.number(point.flushedOffset);
    this.number(head.minPhysicalOffset);
    this.number(head.fileEntries);
    this.at = HEAD_BYTES;
    this.buffer.write(head.bootId.slice(0, BOOT_ID_BYTES), this.at, 'latin1');
    this.at += BOOT_ID_BYTES;
  }

  /** The queues that follow belong to this topic. */
  topic(name: Buffer, queues: number): void {
    this.need(6 + name.length);
    this.at = this.buffer.writeUInt16BE(name.length, this.at);
    this.at += name.copy(this.buffer, this.at);
    this.at = this.buffer.writeUInt32BE(queues, this.at);
  }

  queue(queueId: number, state: QueueState): void {
    const unwritten = state.unwritten;
    this.need(QUEUE_BYTES + (unwritten?.length ?? 0));
    this.at = this.buffer.writeUInt32BE(queueId, this.at);
    this.number(state.baseOffset);
    this.number(state.minOffset);
    this.number(state.maxOffset);
    this.number(state.writtenOffset);
    this.number(state.syncedOffset);
    this.number(state.maxPhysicalOffset);
    this.number(state.firstFileOffset);
    this.number(state.lastFileOffset);
    this.at = this.buffer.writeUInt32BE(unwritten?.length ?? 0, this.at);
    if (unwritten !== undefined) this.at += unwritten.copy(this.buffer, this.at);
  }

  /** @returns all chunks, the last one with the CRC. */
  finish(): Buffer[] {
    this.need(2 + CRC_BYTES);
    this.at = this.buffer.writeUInt16BE(END_OF_TOPICS, this.at);
    this.crc = crc32(this.buffer.subarray(0, this.at), this.crc);
    this.at = this.buffer.writeUInt32BE(this.crc, this.at);
    this.chunks.push(this.buffer.subarray(0, this.at));
    return this.chunks;
  }

  private number(value: number): void {
    this.at = this.buffer.writeDoubleBE(value, this.at);
  }

  private need(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const full = this.buffer.subarray(0, this.at);
    this.crc = crc32(full, this.crc);
    this.chunks.push(full);
    this.buffer = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes));
    this.at = 0;
  }
}

/** The head, or undefined when this is no whole table of our version. */
export function decodeQueueTableHead(bytes: Buffer): QueueTableHead | undefined {
  if (bytes.length < HEAD_BYTES + BOOT_ID_BYTES + 2 + CRC_BYTES) return undefined;
  if (bytes.readUInt32BE(0) !== MAGIC || bytes.readUInt32BE(4) !== VERSION) return undefined;
  const crcAt = bytes.length - CRC_BYTES;
  if (crc32(bytes.subarray(0, crcAt)) !== bytes.readUInt32BE(crcAt)) return undefined;
  return {
    point: {
      physicalOffset: bytes.readDoubleBE(8),
      lastRecordOffset: bytes.readDoubleBE(16),
      entryCount: bytes.readDoubleBE(24),
      flushedOffset: bytes.readDoubleBE(32),
    },
    minPhysicalOffset: bytes.readDoubleBE(40),
    fileEntries: bytes.readDoubleBE(48),
    bootId: bytes.toString('latin1', HEAD_BYTES, HEAD_BYTES + BOOT_ID_BYTES).replace(/\0+$/, ''),
  };
}

/** The queues of a table whose head was decoded. Their unwritten entries are slices of `bytes`. Throws a StoreError for a table that makes no sense. */
export function* decodeQueueTable(bytes: Buffer): Generator<QueueTableEntry> {
  const end = bytes.length - CRC_BYTES;
  let at = HEAD_BYTES + BOOT_ID_BYTES;
  const take = (length: number): number => {
    const from = at;
    at += length;
    if (at > end) throw damaged(from);
    return from;
  };
  for (;;) {
    const nameLength = bytes.readUInt16BE(take(2));
    if (nameLength === END_OF_TOPICS) return;
    const nameAt = take(nameLength);
    const topic = bytes.toString('utf8', nameAt, nameAt + nameLength);
    const queues = bytes.readUInt32BE(take(4));
    for (let i = 0; i < queues; i++) {
      const from = take(QUEUE_BYTES);
      const unwrittenBytes = bytes.readUInt32BE(from + QUEUE_BYTES - 4);
      const unwrittenAt = take(unwrittenBytes);
      const number = (index: number): number => bytes.readDoubleBE(from + 4 + 8 * index);
      const state: QueueState = {
        baseOffset: number(0),
        minOffset: number(1),
        maxOffset: number(2),
        writtenOffset: number(3),
        syncedOffset: number(4),
        maxPhysicalOffset: number(5),
        firstFileOffset: number(6),
        lastFileOffset: number(7),
        unwritten: unwrittenBytes === 0 ? undefined : bytes.subarray(unwrittenAt, unwrittenAt + unwrittenBytes),
      };
      if ((state.maxOffset - state.writtenOffset) * ENTRY_BYTES !== unwrittenBytes) throw damaged(from);
      yield { topic, queueId: bytes.readUInt32BE(from), state };
    }
  }
}

function damaged(at: number): StoreError {
  return new StoreError('STORE_QUEUE_TABLE', `the queue table makes no sense at byte ${at}`, { at });
}
