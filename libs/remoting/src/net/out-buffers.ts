import { viewOf } from '@rocknest/protocol';
import { MAX_FREE_OUT_BUFFERS, OUT_BUFFER_BYTES } from '../defaults.js';

/** Memory that frames are gathered in until they are sent: it goes from connection to connection, so that few of them stay warm. */
export class OutBuffer {
  readonly bytes = Buffer.allocUnsafeSlow(OUT_BUFFER_BYTES);
  readonly view = viewOf(this.bytes);
}

const free: OutBuffer[] = [];
let taken = 0;

/** Buffers that connections hold at this moment. */
export function outBuffersTaken(): number {
  return taken;
}

export function takeOutBuffer(): OutBuffer {
  taken++;
  return free.pop() ?? new OutBuffer();
}

/** Gives a buffer back of which nothing is needed any more. */
export function giveBackOutBuffer(buffer: OutBuffer): void {
  taken--;
  if (free.length < MAX_FREE_OUT_BUFFERS) free.push(buffer);
}

/** The buffer belongs to a socket now, which has not sent all of it. */
export function loseOutBuffer(): void {
  taken--;
}
