import { ProtocolError } from '../errors.js';
import { readInt64, writeInt64 } from '../message/int64.js';

/** int64 physical offset, int32 size of the body that follows. */
export const HA_TRANSFER_HEADER_BYTES = 12;

/** A slave's report is one int64. */
export const HA_REPORT_BYTES = 8;

/** What stands before the log bytes that a master sends to a slave; a body of 0 bytes is a sign of life. */
export interface HaTransferHeader {
  /** Of the first byte of the body, or of the next one to come. */
  readonly physicalOffset: number;
  readonly bodyBytes: number;
}

/** Writes the header (`store/ha/DefaultHAConnection.java`). */
export function encodeHaTransferHeader(target: Buffer, at: number, physicalOffset: number, bodyBytes: number): void {
  target.writeInt32BE(bodyBytes, writeInt64(target, physicalOffset, at));
}

/** @throws ProtocolError PROTOCOL_FRAME for offsets below 0 and bodies outside of 0 to `maxBodyBytes`. */
export function decodeHaTransferHeader(bytes: Buffer, at: number, maxBodyBytes: number): HaTransferHeader {
  const physicalOffset = readInt64(bytes, at);
  const bodyBytes = bytes.readInt32BE(at + 8);
  if (physicalOffset < 0 || bodyBytes < 0 || bodyBytes > maxBodyBytes) {
    throw new ProtocolError(
      'PROTOCOL_FRAME',
      `no frame of RocketMQ's HA protocol: offset ${physicalOffset}, ${bodyBytes} bytes of body (at most ${maxBodyBytes} are taken)`,
      { physicalOffset, bodyBytes, maxBodyBytes },
    );
  }
  return { physicalOffset, bodyBytes };
}

/** A slave's report: it has everything before the offset; the first one asks for what is from there on. */
export function encodeHaReport(physicalOffset: number): Buffer {
  const report = Buffer.allocUnsafe(HA_REPORT_BYTES);
  writeInt64(report, physicalOffset, 0);
  return report;
}

/** @throws ProtocolError PROTOCOL_FRAME for what is no offset. */
export function decodeHaReport(bytes: Buffer, at: number): number {
  const physicalOffset = readInt64(bytes, at);
  if (physicalOffset < 0)
    throw new ProtocolError('PROTOCOL_FRAME', `a slave reported the offset ${physicalOffset}`, { physicalOffset });
  return physicalOffset;
}
