import { bodyLengthPosition, MessageLayout, topicLengthBytes } from '@rocknest/protocol';

/** What a disk writes at once: a power loss keeps or loses each piece of this size on its own. */
const SECTOR_BYTES = 512;

/**
 * True when a record lacks a piece of its topic or properties, which no CRC of RocketMQ's layout covers. It is asked of records that `checkRecord`
 * accepted and that were not flushed before the machine went down: what a disk has not written there reads as zeros up to the end of a sector.
 * Neither topics nor properties have zeros at such a place.
 *
 * @param position of the record in its file
 */
export function lacksSector(buffer: Buffer, at: number, sizeBytes: number, position: number): boolean {
  const lengthAt = at + bodyLengthPosition(buffer.readInt32BE(at + MessageLayout.SYS_FLAG));
  const lengthBytes = topicLengthBytes(buffer.readInt32BE(at + MessageLayout.MAGIC));
  const topicLengthAt = lengthAt + 4 + buffer.readInt32BE(lengthAt);
  const topicLength = lengthBytes === 1 ? buffer.readInt8(topicLengthAt) : buffer.readInt16BE(topicLengthAt);
  const topicAt = topicLengthAt + lengthBytes;
  return (
    endsInZero(buffer, topicAt, topicAt + topicLength, at - position) ||
    endsInZero(buffer, topicAt + topicLength + 2, at + sizeBytes, at - position)
  );
}

/** Whether the last byte of a text, or its last byte in any sector, is zero. `fileAt`: where the file would begin in the buffer. */
function endsInZero(buffer: Buffer, start: number, end: number, fileAt: number): boolean {
  for (let from = start; from < end;) {
    const position = from - fileAt;
    const to = Math.min(end, from + SECTOR_BYTES - (position % SECTOR_BYTES));
    if (buffer[to - 1] === 0) return true;
    from = to;
  }
  return false;
}
