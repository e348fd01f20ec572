import { describe, expect, it } from 'vitest';
import {
  decodeHaReport,
  decodeHaTransferHeader,
  encodeHaReport,
  encodeHaTransferHeader,
  HA_TRANSFER_HEADER_BYTES,
} from './transfer-header.js';

describe('frames of the HA protocol', () => {
  it('are big-endian numbers', () => {
    const header = Buffer.alloc(HA_TRANSFER_HEADER_BYTES + 1);
    encodeHaTransferHeader(header, 1, 0x1_0000_0002, 0x8000);
    expect(header.toString('hex')).toBe('00' + '0000000100000002' + '00008000');
    expect(decodeHaTransferHeader(header, 1, 0x8000)).toEqual({ physicalOffset: 0x1_0000_0002, bodyBytes: 0x8000 });
    expect(encodeHaReport(513).toString('hex')).toBe('0000000000000201');
    expect(decodeHaReport(encodeHaReport(2 ** 52), 0)).toBe(2 ** 52);
  });

  it.each([
    ['ffffffffffffffff00000001', 'a negative offset'],
    ['000000000000000000000801', 'a body above the limit'],
    ['0000000000000000ffffffff', 'a negative body'],
    ['004000000000000000000001', 'an offset that is no exact number'],
  ])('refuse %s: %s', (hex) => {
    expect(() => decodeHaTransferHeader(Buffer.from(hex, 'hex'), 0, 0x800)).toThrow(
      expect.objectContaining({ name: 'ProtocolError' }),
    );
  });

  it('refuse negative reports', () => {
    expect(() => decodeHaReport(Buffer.alloc(8, 0xff), 0)).toThrow(/reported the offset -1/);
  });
});
