import { encodeFastjson } from '../json/fastjson-stringify.js';

/** Java's `Long.MAX_VALUE`: the group that was compared is behind all others in this queue. */
const BEHIND_ALL = 2n ** 63n - 1n;

/**
 * The answer to QUERY_CORRECTION_OFFSET: queue id -> the lowest offset of any group, or 'behind' where the compared group is the
 * lowest. Source: `remoting/protocol/body/QueryCorrectionOffsetBody.java`.
 */
export function encodeCorrectionOffsets(offsets: ReadonlyMap<number, number | 'behind'>): Buffer {
  return encodeFastjson({
    correctionOffsets: new Map([...offsets].map(([id, offset]) => [id, offset === 'behind' ? BEHIND_ALL : offset])),
  });
}
