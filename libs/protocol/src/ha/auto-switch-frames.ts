import { ProtocolError } from '../errors.js';
import { readInt64, writeInt64 } from '../message/int64.js';

/** Where a line between the members of a group stands (`store/ha/HAConnectionState.java`). */
export const HaState = { HANDSHAKE: 1, TRANSFER: 2 } as const;

/** int32 state, int16 + int16 flags, int64 broker id. */
export const HA_HANDSHAKE_REQUEST_BYTES = 16;
/** int32 state, int64 offset. */
export const HA_TRANSFER_REPORT_BYTES = 12;
/** int32 state, int32 size of the epochs that follow, int64 end of the log, int32 epoch. */
export const HA_HANDSHAKE_HEADER_BYTES = 20;
/** int32 epoch, int64 start offset. */
export const HA_EPOCH_ENTRY_BYTES = 12;
/** int32 state, int32 body size, int64 offset, int32 epoch, int64 start of the epoch, int64 confirm offset. */
export const HA_EPOCH_TRANSFER_HEADER_BYTES = 36;

/** What a master says first: what its log consists of. */
export interface HaHandshakeHeader {
  readonly epochsBytes: number;
  /** End of the master's log. */
  readonly maxPhysicalOffset: number;
  /** The master's own epoch. */
  readonly epoch: number;
}

/** What stands before the log bytes that a master of an epoch sends; a body of 0 bytes is a sign of life. */
export interface HaEpochTransferHeader {
  readonly bodyBytes: number;
  readonly physicalOffset: number;
  /** Of the master that wrote these bytes. */
  readonly epoch: number;
  readonly epochStartOffset: number;
  /** All that must have it have everything before this offset. */
  readonly confirmOffset: number;
}

/** One part of a log, as it goes over the wire. */
export interface HaEpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

/** A slave's first words (`store/ha/autoswitch/AutoSwitchHAClient.java`). It asks for the log from its start, and to count. */
export function encodeHaHandshakeRequest(brokerId: number): Buffer {
  const frame = Buffer.alloc(HA_HANDSHAKE_REQUEST_BYTES);
  frame.writeInt32BE(HaState.HANDSHAKE, 0);
  writeInt64(frame, brokerId, 8);
  return frame;
}

/** @returns the slave's broker id. @throws ProtocolError PROTOCOL_FRAME */
export function decodeHaHandshakeRequest(frame: Buffer, at: number): number {
  const brokerId = readInt64(frame, at + 8);
  if (frame.readInt32BE(at) !== HaState.HANDSHAKE || brokerId <= 0)
    throw refused('no handshake of a slave', { state: frame.readInt32BE(at), brokerId });
  return brokerId;
}

/** The slave has everything before the offset; the first one asks for what is from there on. */
export function encodeHaTransferReport(physicalOffset: number): Buffer {
  const frame = Buffer.allocUnsafe(HA_TRANSFER_REPORT_BYTES);
  frame.writeInt32BE(HaState.TRANSFER, 0);
  writeInt64(frame, physicalOffset, 4);
  return frame;
}

/** @throws ProtocolError PROTOCOL_FRAME */
export function decodeHaTransferReport(frame: Buffer, at: number): number {
  const physicalOffset = readInt64(frame, at + 4);
  if (frame.readInt32BE(at) !== HaState.TRANSFER || physicalOffset < 0)
    throw refused('no report of a slave', { state: frame.readInt32BE(at), physicalOffset });
  return physicalOffset;
}

/** The master's answer to a handshake, epochs included (`store/ha/autoswitch/AutoSwitchHAConnection.java`). */
export function encodeHaHandshake(epochs: readonly HaEpochEntry[], maxPhysicalOffset: number, epoch: number): Buffer {
  const frame = Buffer.allocUnsafe(HA_HANDSHAKE_HEADER_BYTES + epochs.length * HA_EPOCH_ENTRY_BYTES);
  frame.writeInt32BE(HaState.HANDSHAKE, 0);
  frame.writeInt32BE(epochs.length * HA_EPOCH_ENTRY_BYTES, 4);
  writeInt64(frame, maxPhysicalOffset, 8);
  let at = frame.writeInt32BE(epoch, 16);
  for (const entry of epochs) {
    at = frame.writeInt32BE(entry.epoch, at);
    at = writeInt64(frame, entry.startOffset, at);
  }
  return frame;
}

/** @throws ProtocolError PROTOCOL_FRAME */
export function decodeHaHandshakeHeader(frame: Buffer, maxEpochsBytes: number): HaHandshakeHeader {
  const state = frame.readInt32BE(0);
  const epochsBytes = frame.readInt32BE(4);
  const maxPhysicalOffset = readInt64(frame, 8);
  const epoch = frame.readInt32BE(16);
  const isSize = epochsBytes >= 0 && epochsBytes <= maxEpochsBytes && epochsBytes % HA_EPOCH_ENTRY_BYTES === 0;
  if (state !== HaState.HANDSHAKE || !isSize || maxPhysicalOffset < 0 || epoch < 0)
    throw refused('no handshake of a master', { state, epochsBytes, maxPhysicalOffset, epoch });
  return { epochsBytes, maxPhysicalOffset, epoch };
}

/** The epochs that follow the header of a handshake. */
export function decodeHaEpochs(bytes: Buffer): HaEpochEntry[] {
  const entries: HaEpochEntry[] = [];
  for (let at = 0; at + HA_EPOCH_ENTRY_BYTES <= bytes.length; at += HA_EPOCH_ENTRY_BYTES)
    entries.push({ epoch: bytes.readInt32BE(at), startOffset: readInt64(bytes, at + 4) });
  return entries;
}

export function encodeHaEpochTransferHeader(target: Buffer, at: number, header: HaEpochTransferHeader): void {
  target.writeInt32BE(HaState.TRANSFER, at);
  target.writeInt32BE(header.bodyBytes, at + 4);
  writeInt64(target, header.physicalOffset, at + 8);
  target.writeInt32BE(header.epoch, at + 16);
  writeInt64(target, header.epochStartOffset, at + 20);
  writeInt64(target, header.confirmOffset, at + 28);
}

/** @throws ProtocolError PROTOCOL_FRAME */
export function decodeHaEpochTransferHeader(frame: Buffer, maxBodyBytes: number): HaEpochTransferHeader {
  const state = frame.readInt32BE(0);
  const header = {
    bodyBytes: frame.readInt32BE(4),
    physicalOffset: readInt64(frame, 8),
    epoch: frame.readInt32BE(16),
    epochStartOffset: readInt64(frame, 20),
    confirmOffset: readInt64(frame, 28),
  };
  const { bodyBytes, physicalOffset, epoch } = header;
  if (state !== HaState.TRANSFER || bodyBytes < 0 || bodyBytes > maxBodyBytes || physicalOffset < 0 || epoch < 0)
    throw refused('no log of a master', { state, ...header, maxBodyBytes });
  return header;
}

function refused(what: string, details: Record<string, number>): ProtocolError {
  return new ProtocolError(
    'PROTOCOL_FRAME',
    `${what} in RocketMQ's HA protocol with epochs: ${JSON.stringify(details)}`,
    details,
  );
}
