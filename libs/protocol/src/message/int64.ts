import { ProtocolError } from '../errors.js';

const TWO_32 = 0x1_0000_0000;

/**
 * int64 as a number.
 * @throws ProtocolError PROTOCOL_MESSAGE when it is outside the range a number holds exactly
 */
export function readInt64(bytes: Buffer, position: number): number {
  const value = bytes.readInt32BE(position) * TWO_32 + bytes.readUInt32BE(position + 4);
  if (!Number.isSafeInteger(value)) {
    throw new ProtocolError(
      'PROTOCOL_MESSAGE',
      `An int64 at byte ${position} is outside the range of exact numbers (2^53)`,
      {
        position,
      },
    );
  }
  return value;
}

/** Writes a safe integer as int64; returns the position after it. */
export function writeInt64(bytes: Buffer, value: number, position: number): number {
  const high = Math.floor(value / TWO_32);
  bytes.writeInt32BE(high, position);
  return bytes.writeUInt32BE(value - high * TWO_32, position + 4);
}
