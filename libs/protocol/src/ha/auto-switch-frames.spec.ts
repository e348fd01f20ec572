import { describe, expect, it } from 'vitest';
import {
  decodeHaEpochs,
  decodeHaEpochTransferHeader,
  decodeHaHandshakeHeader,
  decodeHaHandshakeRequest,
  decodeHaTransferReport,
  encodeHaEpochTransferHeader,
  encodeHaHandshake,
  encodeHaHandshakeRequest,
  encodeHaTransferReport,
  HA_EPOCH_TRANSFER_HEADER_BYTES,
  HA_HANDSHAKE_HEADER_BYTES,
} from './auto-switch-frames.js';

const isRefused = expect.objectContaining({ name: 'ProtocolError' });

describe('frames of the HA protocol with epochs', () => {
  it('of a slave', () => {
    expect(encodeHaHandshakeRequest(2).toString('hex')).toBe('00000001' + '0000' + '0000' + '0000000000000002');
    expect(decodeHaHandshakeRequest(encodeHaHandshakeRequest(7), 0)).toBe(7);
    expect(encodeHaTransferReport(513).toString('hex')).toBe('00000002' + '0000000000000201');
    expect(decodeHaTransferReport(encodeHaTransferReport(2 ** 52), 0)).toBe(2 ** 52);
  });

  it('of a master', () => {
    const epochs = [
      { epoch: 1, startOffset: 0 },
      { epoch: 3, startOffset: 0x1_0000_0000 },
    ];
    const handshake = encodeHaHandshake(epochs, 0x1_0000_0100, 3);
    expect(handshake.toString('hex')).toBe(
      '00000001' +
        '00000018' +
        '0000000100000100' +
        '00000003' +
        '00000001' +
        '0000000000000000' +
        '00000003' +
        '0000000100000000',
    );
    expect(decodeHaHandshakeHeader(handshake, 24)).toEqual({
      epochsBytes: 24,
      maxPhysicalOffset: 0x1_0000_0100,
      epoch: 3,
    });
    expect(decodeHaEpochs(handshake.subarray(HA_HANDSHAKE_HEADER_BYTES))).toEqual(epochs);
    const header = { bodyBytes: 5, physicalOffset: 256, epoch: 3, epochStartOffset: 128, confirmOffset: 255 };
    const transfer = Buffer.alloc(HA_EPOCH_TRANSFER_HEADER_BYTES);
    encodeHaEpochTransferHeader(transfer, 0, header);
    expect(transfer.toString('hex')).toBe(
      '00000002' + '00000005' + '0000000000000100' + '00000003' + '0000000000000080' + '00000000000000ff',
    );
    expect(decodeHaEpochTransferHeader(transfer, 5)).toEqual(header);
  });

  it('are refused when they are none', () => {
    const transfer = Buffer.alloc(HA_EPOCH_TRANSFER_HEADER_BYTES);
    encodeHaEpochTransferHeader(transfer, 0, {
      bodyBytes: 6,
      physicalOffset: 0,
      epoch: 1,
      epochStartOffset: 0,
      confirmOffset: 0,
    });
    expect(() => decodeHaEpochTransferHeader(transfer, 5)).toThrow(isRefused);
    const handshake = encodeHaHandshake([{ epoch: 1, startOffset: 0 }], 0, 1);
    expect(() => decodeHaHandshakeHeader(handshake, 11)).toThrow(isRefused);
    handshake.writeInt32BE(11, 4);
    expect(() => decodeHaHandshakeHeader(handshake, 100)).toThrow(isRefused);
    expect(() => decodeHaHandshakeRequest(encodeHaHandshakeRequest(0), 0)).toThrow(isRefused);
    expect(() => decodeHaHandshakeRequest(Buffer.alloc(16), 0)).toThrow(isRefused);
    expect(() => decodeHaTransferReport(encodeHaTransferReport(-1), 0)).toThrow(isRefused);
  });
});
