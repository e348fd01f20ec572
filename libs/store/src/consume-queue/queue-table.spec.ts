import { describe, expect, it } from 'vitest';
import type { QueueState } from './queue-state.js';
import type { QueueTableHead } from './queue-table.js';
import { decodeQueueTable, decodeQueueTableHead, QueueTableEncoder } from './queue-table.js';

const HEAD: QueueTableHead = {
  point: { physicalOffset: 2 ** 45 + 7, lastRecordOffset: 2 ** 45 - 100, entryCount: 12_345, flushedOffset: 2 ** 44 },
  minPhysicalOffset: 2 ** 30,
  fileEntries: 300_000,
  bootId: '8a1c0c54-0000-4000-8000-1234567890ab',
};

function state(overrides: Partial<QueueState> = {}): QueueState {
  return {
    baseOffset: 300_000,
    minOffset: 300_005,
    maxOffset: 300_010,
    writtenOffset: 300_010,
    syncedOffset: 300_006,
    maxPhysicalOffset: 2 ** 45,
    firstFileOffset: 300_000,
    lastFileOffset: 300_000,
    unwritten: undefined,
    ...overrides,
  };
}

function encode(topics: Record<string, [number, QueueState][]>): Buffer {
  const encoder = new QueueTableEncoder(HEAD);
  for (const [topic, queues] of Object.entries(topics)) {
    encoder.topic(Buffer.from(topic), queues.length);
    for (const [queueId, queue] of queues) encoder.queue(queueId, queue);
  }
  return Buffer.concat(encoder.finish());
}

describe('the queue table', () => {
  it('keeps what it is given', () => {
    const held = state({ writtenOffset: 300_008, unwritten: Buffer.alloc(40, 7) });
    const empty = state({ firstFileOffset: -1, lastFileOffset: -1, maxPhysicalOffset: -1 });
    const bytes = encode({
      Orders: [
        [0, state()],
        [3, held],
      ],
      Größe: [[65_535, empty]],
    });
    expect(decodeQueueTableHead(bytes)).toEqual(HEAD);
    expect([...decodeQueueTable(bytes)]).toEqual([
      { topic: 'Orders', queueId: 0, state: state() },
      { topic: 'Orders', queueId: 3, state: held },
      { topic: 'Größe', queueId: 65_535, state: empty },
    ]);
  });

  it('is written in pieces when it is large', () => {
    const unwritten = Buffer.alloc(20 * 5_000, 1);
    const large = state({ maxOffset: 305_010, unwritten });
    const bytes = encode({
      a: [[0, large]],
      b: [[0, large]],
      c: [
        [0, large],
        [1, large],
      ],
    });
    expect(bytes.length).toBeGreaterThan(400_000);
    expect(decodeQueueTableHead(bytes)).toEqual(HEAD);
    expect([...decodeQueueTable(bytes)].map((entry) => entry.state.unwritten?.equals(unwritten))).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  it('is not believed when a bit flipped or the end is missing', () => {
    const bytes = encode({ Orders: [[0, state()]] });
    for (const at of [0, 5, 20, 70, bytes.length - 10, bytes.length - 1]) {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 1;
      expect(decodeQueueTableHead(damaged)).toBeUndefined();
    }
    for (let length = 0; length < bytes.length; length += 13) {
      expect(decodeQueueTableHead(bytes.subarray(0, length))).toBeUndefined();
    }
  });

  it('refuses entries that do not belong to the offsets', () => {
    const bytes = encode({ Orders: [[0, state({ unwritten: Buffer.alloc(20) })]] });
    expect(() => [...decodeQueueTable(bytes)]).toThrow('makes no sense');
  });
});
