import { decodeFrame } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { SendReplyEncoder } from './send-reply-encoder.js';

const MSG_ID = '7F00000100002A9F0000000000000064';

function decode(frame: Buffer | Buffer[]): ReturnType<typeof decodeFrame> {
  const bytes = Buffer.isBuffer(frame) ? frame : Buffer.concat(frame);
  expect(bytes.readInt32BE(0)).toBe(bytes.length - 4);
  return decodeFrame(bytes.subarray(4));
}

describe('SendReplyEncoder', () => {
  const encoder = new SendReplyEncoder({ regionId: 'DefaultRegion', traceOn: true });

  it('writes a frame that reads as a send response', () => {
    const reply = decode(encoder.encode(42, 0, MSG_ID, 3, 1_234_567, 'KEY1'));
    expect(reply).toMatchObject({ code: 0, opaque: 42, isResponse: true, language: 'JAVA', remark: undefined });
    expect({ ...reply.extFields }).toEqual({
      MSG_REGION: 'DefaultRegion',
      TRACE_ON: 'true',
      msgId: MSG_ID,
      queueId: '3',
      queueOffset: '1234567',
      transactionId: 'KEY1',
    });
    expect(reply.bodyBuffer).toHaveLength(0);
  });

  it('leaves an empty key out', () => {
    expect(decode(encoder.encode(-1, 10, MSG_ID, 0, 0, '')).field('transactionId')).toBeUndefined();
  });

  it('writes long lists of ids', () => {
    const ids = Array.from({ length: 3_000 }, () => MSG_ID).join(',');
    expect(decode(encoder.encode(1, 0, ids, 0, 0, 'K')).field('msgId')).toBe(ids);
  });

  it.each(['quote"', 'back\\slash', 'ключ', 'line\nbreak'])('escapes the key %s', (key) => {
    expect(decode(encoder.encode(1, 0, MSG_ID, 0, 0, key)).field('transactionId')).toBe(key);
  });

  it('escapes the region', () => {
    const region = 'рег"ион';
    const reply = decode(new SendReplyEncoder({ regionId: region, traceOn: false }).encode(1, 0, MSG_ID, 0, 0, 'K'));
    expect(reply.field('MSG_REGION')).toBe(region);
    expect(reply.field('TRACE_ON')).toBe('false');
  });
});
