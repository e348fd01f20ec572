import { encodeHost } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../commit-log/append-encoder.js';
import { LogChunk } from '../commit-log/log-chunk.js';
import { checkRecord } from '../commit-log/record-check.js';
import { lacksText } from './torn-record.js';

const HOST = encodeHost('10.0.0.1:1000');

function record(position: number, properties: string): { buffer: Buffer; sizeBytes: number } {
  const chunk = new LogChunk(Buffer.alloc(8192), 0, 0);
  chunk.buffer.fill(0);
  const fields = {
    topicBytes: Buffer.from('Orders'),
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: 1,
    bornHost: HOST,
    storeTimestamp: 2,
    storeHost: HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
  };
  const sizeBytes = encodeRecord(chunk, position, fields, 0, Buffer.from('hello'), properties, 0, position);
  return { buffer: chunk.buffer, sizeBytes };
}

describe('a torn record', () => {
  it('is known when a killed process left its beginning, though lengths and body CRC fit', () => {
    const { buffer, sizeBytes } = record(0, 'TAGS\u0001TagA\u0002');
    expect(lacksText(buffer, 0, sizeBytes, 0, false)).toBe(false);
    for (let lost = 1; lost <= 10; lost++) {
      const torn = Buffer.from(buffer);
      torn.fill(0, sizeBytes - lost, sizeBytes);
      expect(checkRecord(torn, 0, sizeBytes, 8192, 0).kind).toBe('record');
      expect(lacksText(torn, 0, sizeBytes, 0, false)).toBe(true);
    }
  });

  it('is known when a power loss took any sector of its properties', () => {
    const properties = `KEYS\u0001${'k'.repeat(1500)}\u0002`;
    const { buffer, sizeBytes } = record(300, properties);
    expect(lacksText(buffer, 300, sizeBytes, 300, true)).toBe(false);
    for (const sector of [512, 1024, 1536]) {
      const torn = Buffer.from(buffer);
      torn.fill(0, sector, sector + 512);
      expect(checkRecord(torn, 300, sizeBytes, 8192, 300).kind).toBe('record');
      expect(lacksText(torn, 300, sizeBytes, 300, true)).toBe(true);
    }
  });

  it('is not seen in zeros within a property', () => {
    const { buffer, sizeBytes } = record(0, 'a\u0001x\u0000y\u0002');
    expect(lacksText(buffer, 0, sizeBytes, 0, true)).toBe(false);
  });
});
