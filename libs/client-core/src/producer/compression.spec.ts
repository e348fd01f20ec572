import { randomBytes } from 'node:crypto';
import { inflateBody } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { compressBody, type CompressionOptions } from './compression.js';
import { outgoingBatch } from './outgoing-batch.js';
import { bytesOf, outgoingMessage } from './outgoing-message.js';

const TEXT = JSON.stringify(Array.from({ length: 2_000 }, (_, id) => ({ id, state: 'PAID' })));
const NOISE = randomBytes(300);

function options(compressType: CompressionOptions['compressType']): CompressionOptions {
  return { compressType, compressLevel: 5, compressMsgBodyOverBytes: 200 };
}

async function compressed(body: string | Buffer, how: CompressionOptions) {
  const message = outgoingMessage({ topic: 't', body }, 1_000_000, Date.now());
  await compressBody(message, how);
  return message;
}

describe('compressBody', () => {
  it.each([
    ['ZLIB', 0x301],
    ['LZ4', 0x101],
    ['ZSTD', 0x201],
  ] as const)('%s: smaller, marked, and readable', async (type, sysFlag) => {
    for (const text of [TEXT, TEXT.slice(0, 3_000)]) {
      const message = await compressed(text, options(type));
      expect(message.sysFlag).toBe(sysFlag);
      expect(message.bodyBytes).toBeLessThan(text.length / 2);
      expect(bytesOf(message.body)).toHaveLength(message.bodyBytes);
      expect(inflateBody(bytesOf(message.body), message.sysFlag).toString()).toBe(text);
    }
  });

  it.each(['ZLIB', 'LZ4', 'ZSTD'] as const)('%s leaves what is small or would not get smaller', async (type) => {
    expect((await compressed('x'.repeat(199), options(type))).sysFlag).toBe(0);
    const noise = await compressed(NOISE, { ...options(type), compressMsgBodyOverBytes: 100 });
    expect(noise).toMatchObject({ sysFlag: 0, bodyBytes: 300 });
    expect(noise.body).toEqual(NOISE);
  });

  it('leaves batches: their bodies are one', async () => {
    const batch = outgoingBatch([{ topic: 't', body: TEXT }], 1_000_000);
    await compressBody(batch, options('LZ4'));
    expect(batch.sysFlag).toBe(0);
  });

  it('many at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => compressed(TEXT + i, options('ZSTD'))));
    for (const [i, message] of all.entries())
      expect(inflateBody(bytesOf(message.body), message.sysFlag).toString()).toBe(TEXT + i);
  });
});
