import type { Socket } from 'node:net';
import { CLOSE_LINGER_MS } from '../defaults.js';

/** The length of a frame beyond every limit: a peer that reads it closes the connection. */
export const UNREADABLE_FRAME = Buffer.alloc(4, 0xff);

/** Ends the stream behind what was written, and the socket after a second at the latest. */
export function endSoon(socket: Socket): void {
  socket.destroySoon();
  const linger = setTimeout(() => socket.destroy(), CLOSE_LINGER_MS);
  linger.unref();
  socket.once('close', () => clearTimeout(linger));
}

/** Waits until the peer closes, and resets the connection after a second at the latest. */
export function awaitPeerEnd(socket: Socket): void {
  // What still comes has to be read, or the end behind it would not be seen.
  socket.resume();
  const linger = setTimeout(() => socket.resetAndDestroy(), CLOSE_LINGER_MS);
  socket.once('close', () => clearTimeout(linger));
}
