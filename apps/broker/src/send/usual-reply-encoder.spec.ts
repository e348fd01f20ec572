import { decodeFrame, encodeHost } from '@rocknest/protocol';
import { WritePage } from '@rocknest/remoting';
import type { PutResult } from '@rocknest/store';
import { describe, expect, it } from 'vitest';
import { SendReplyEncoder } from './send-reply-encoder.js';
import { UsualReplyEncoder } from './usual-reply-encoder.js';

const ID = 'AC1100010B2C18B4AAC20000000000001';
const texts = { regionId: 'DefaultRegion', traceOn: true };

function result(host: string, physicalOffset: number, queueOffset: number): PutResult {
  const record = Buffer.from(`....record with ${ID} and more`);
  return {
    status: 'PUT_OK',
    queueOffset,
    physicalOffset,
    storeTimestamp: 1,
    messageCount: 1,
    storeHost: encodeHost(host),
    sizeBytes: record.length - 4,
    reason: undefined,
    recordView: new DataView(record.buffer, record.byteOffset, record.length),
    recordAt: 4,
    offsetMsgIds: () => '',
  };
}

describe('UsualReplyEncoder', () => {
  const usual = new UsualReplyEncoder(texts);
  const thorough = new SendReplyEncoder(texts);

  it.each([
    ['127.0.0.1:10911', 0, 0, 0, 0],
    ['127.0.0.1:10911', 9_007_199_254_740_991, 4_294_967_296, 15, 2_147_483_647],
    ['[::1]:10911', 1_234_567_890_123, 99, 9, -5],
    ['10.1.2.3:30911', 4_294_967_295, 1_000_000, 1_234, 10],
  ])('says what the encoder by way of text says: %s at %d', (host, physicalOffset, queueOffset, queueId, opaque) => {
    const page = new WritePage(4_096);
    page.used = 100;
    const put = result(host, physicalOffset, queueOffset);
    const end = usual.encode(page, opaque, put, queueId, `${ID} and more`.length, ID.length);
    expect(end - 100).toBeLessThanOrEqual(usual.maxBytes(ID.length) ?? 0);
    expect(page.bytes.readInt32BE(100)).toBe(end - 104);
    const command = decodeFrame(page.bytes, 104, end);
    const msgId =
      put.storeHost.toString('hex').toUpperCase() + physicalOffset.toString(16).toUpperCase().padStart(16, '0');
    const expected = thorough.encode(opaque, 0, msgId, queueId, queueOffset, ID);
    const other = decodeFrame(Buffer.isBuffer(expected) ? expected.subarray(4) : Buffer.concat(expected).subarray(4));
    expect(command.extFields).toEqual(other.extFields);
    for (const name of ['code', 'flag', 'opaque', 'language', 'version', 'remark'] as const) {
      expect(command[name]).toBe(other[name]);
    }
  });

  it('is not used where the region must be escaped', () => {
    expect(new UsualReplyEncoder({ regionId: 'a"b', traceOn: true }).maxBytes(10)).toBeUndefined();
  });
});
