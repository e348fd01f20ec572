const MIN_BYTES = 16;
const SPREAD_BYTES = 1500;

/** The body of message `sequence`: its number, then bytes that follow from it, so that a reader knows each byte that has to be there. */
export function numberedBody(sequence: number): Buffer {
  const body = Buffer.alloc(MIN_BYTES + ((sequence * 97) % SPREAD_BYTES));
  body.writeUInt32BE(sequence, 0);
  let state = (sequence * 2654435761) | 0;
  for (let at = 4; at < body.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    body[at] = state >>> 24;
  }
  return body;
}

/** @returns the number, or -1 where any byte differs from what was sent. */
export function sequenceOf(body: Buffer): number {
  if (body.length < MIN_BYTES) return -1;
  const sequence = body.readUInt32BE(0);
  return numberedBody(sequence).equals(body) ? sequence : -1;
}
