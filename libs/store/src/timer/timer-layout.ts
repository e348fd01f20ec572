import { crc32 } from 'node:zlib';
import { readInt64, writeInt64 } from '@rocknest/protocol';

/**
 * Bytes of RocketMQ's timer files. Follows `store/timer/TimerLog.java`, `TimerWheel.java` and `Slot.java`.
 *
 * A unit of the log: size int32, position of the slot's unit before it int64, magic int32, write time int64, delay int32 (their sum lies in the
 * slot), physical offset int64, record size int32, hash of the real topic int32, reserved int64. RocketMQ writes 0 into the last and never reads it; here it is
 * the ms of the slot in which the message is due (1 to 1,000) and a CRC of all before it.
 */
export const UNIT_BYTES = 52;
/** Size, position and magic that fill the end of a file. */
/** What the CRC of a unit covers. */
const CHECKED_BYTES = 48;
export const BLANK_BYTES = 16;
export const BLANK_MAGIC = (0xbbccddee ^ 1_880_681_594) | 0;

export const MAGIC_DEFAULT = 1;
/** Due beyond the roll window: goes back into the timer topic at that time. */
export const MAGIC_ROLL = 2;
/** Cancels another message. */
export const MAGIC_DELETE = 4;
const MAGIC_BITS = 0xf;

/** The width of a slot: `timerPrecisionMs` of the Java broker by default. Messages are due within it at any ms. */
export const SLOT_MS = 1_000;
/** 7 days of seconds, twice: a slot is not used again before the one 14 days earlier is long done. */
export const WHEEL_SLOTS = 7 * 24 * 3_600 * 2;
export const SLOT_BYTES = 32;
export const WHEEL_BYTES = WHEEL_SLOTS * SLOT_BYTES;

/** How far behind now reading can go on after a stop: slots older than this may have been used again. RocketMQ: 60 slots less than 7 days. */
export const MAX_BEHIND_MS = (WHEEL_SLOTS / 2 - 60) * SLOT_MS;

/** One message that waits, as the timer log has it. */
export interface TimerUnit {
  /** Position of the unit before it in its slot, -1 for the first. */
  readonly previous: number;
  readonly magic: number;
  /** When it is due: ms since 1970. */
  readonly dueMs: number;
  readonly physicalOffset: number;
  readonly sizeBytes: number;
}

/** The slot that holds what is due at a time: RocketMQ's rounding, by which a full second belongs to the slot before it. */
export function slotOf(dueMs: number): number {
  return Math.floor((dueMs - 1) / SLOT_MS) * SLOT_MS;
}

export function encodeUnit(bytes: Buffer, at: number, unit: TimerUnit, nowMs: number, topicHash: number): void {
  bytes.writeInt32BE(UNIT_BYTES, at);
  writeInt64(bytes, unit.previous, at + 4);
  bytes.writeInt32BE(unit.magic, at + 12);
  writeInt64(bytes, nowMs, at + 16);
  bytes.writeInt32BE(unit.dueMs - 1 - nowMs, at + 24);
  writeInt64(bytes, unit.physicalOffset, at + 28);
  bytes.writeInt32BE(unit.sizeBytes, at + 36);
  bytes.writeInt32BE(topicHash, at + 40);
  bytes.writeInt32BE(unit.dueMs - slotOf(unit.dueMs), at + 44);
  bytes.writeUInt32BE(crc32(bytes.subarray(at, at + CHECKED_BYTES)), at + CHECKED_BYTES);
}

/** The unit at a place, or undefined when none stands there, or a damaged one. */
export function decodeUnit(bytes: Buffer, at: number): TimerUnit | undefined {
  if (at + UNIT_BYTES > bytes.length || bytes.readInt32BE(at) !== UNIT_BYTES) return undefined;
  const magic = bytes.readInt32BE(at + 12);
  if ((magic | MAGIC_BITS) !== MAGIC_BITS) return undefined;
  // Without a CRC half a unit, whose rest is zeros, would pass for one of RocketMQ's.
  if (bytes.readInt32BE(at + 36) <= 0) return undefined;
  const coarseMs = readInt64(bytes, at + 16) + bytes.readInt32BE(at + 24);
  const msInSlot = bytes.readInt32BE(at + 44);
  if (msInSlot !== 0 && bytes.readUInt32BE(at + CHECKED_BYTES) !== crc32(bytes.subarray(at, at + CHECKED_BYTES))) {
    return undefined;
  }
  const slotMs = Math.floor(coarseMs / SLOT_MS) * SLOT_MS;
  return {
    previous: readInt64(bytes, at + 4),
    magic,
    // A unit of the Java broker is due once its slot is over.
    dueMs: slotMs + (msInSlot === 0 ? SLOT_MS : msInSlot),
    physicalOffset: readInt64(bytes, at + 28),
    sizeBytes: bytes.readInt32BE(at + 36),
  };
}
