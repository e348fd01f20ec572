import { bodyLengthPosition, MessageLayout, topicLengthBytes } from '@rocknest/protocol';

/** What a disk writes at once: a power loss keeps or loses each piece of this size on its own. */
const SECTOR_BYTES = 512;

/** So many zeros at the end of a sector, or a whole piece of text that is shorter, are what was not written. */
const MIN_ZEROS = 8;

/**
 * True when a record lacks a part of its topic or properties, which no CRC of RocketMQ's layout covers. It is asked of records that `checkRecord`
 * accepted and that were not flushed before an unclean stop: what was not written reads as zeros. A killed process leaves the beginning of a
 * record, so the end is zero, which no put lets through (`checkMessage`); a machine that goes down leaves any of the sectors.
 *
 * @param position of the record in its file
 */
export function lacksText(
  buffer: Buffer,
  at: number,
  sizeBytes: number,
  position: number,
  machineRestarted: boolean,
): boolean {
  const lengthAt = at + bodyLengthPosition(buffer.readInt32BE(at + MessageLayout.SYS_FLAG));
  const lengthBytes = topicLengthBytes(buffer.readInt32BE(at + MessageLayout.MAGIC));
  const topicLengthAt = lengthAt + 4 + buffer.readInt32BE(lengthAt);
  const topicLength = lengthBytes === 1 ? buffer.readInt8(topicLengthAt) : buffer.readInt16BE(topicLengthAt);
  const topicAt = topicLengthAt + lengthBytes;
  const topicEnd = topicAt + topicLength;
  const end = at + sizeBytes;
  if ((topicLength > 0 && buffer[topicEnd - 1] === 0) || (end > topicEnd + 2 && buffer[end - 1] === 0)) return true;
  if (!machineRestarted) return false;
  const fileAt = at - position;
  return lacksSector(buffer, topicAt, topicEnd, fileAt) || lacksSector(buffer, topicEnd + 2, end, fileAt);
}

/** Whether a text ends in zeros in any of its sectors. `fileAt`: where the file would begin in the buffer. */
function lacksSector(buffer: Buffer, start: number, end: number, fileAt: number): boolean {
  for (let from = start; from < end;) {
    const to = Math.min(end, from + SECTOR_BYTES - ((from - fileAt) % SECTOR_BYTES));
    let zeros = 0;
    while (zeros < MIN_ZEROS && to - zeros > from && buffer[to - zeros - 1] === 0) zeros++;
    if (zeros === Math.min(MIN_ZEROS, to - from)) return true;
    from = to;
  }
  return false;
}
