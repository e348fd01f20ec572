import { type OnReadOpts, Socket } from 'node:net';
import { RECEIVE_ROOM_BYTES } from '../defaults.js';

/**
 * Where the bytes of all sockets of this thread are received, one read after the other. Without it Node allocates 64 KiB for each read; what
 * lies outside V8's heap then makes it collect all of the heap several times a second, a quarter of the CPU of a busy broker.
 */
const room = Buffer.allocUnsafeSlow(RECEIVE_ROOM_BYTES);

/** Gets what was read: `bytes` up to `end`. Borrowed ones are there only until the call ends. */
export type ByteSink = (bytes: Buffer, end: number, borrowed: boolean) => void;

/** For `net.connect`: reads go into the room. */
export function readingIntoRoom(sink: ByteSink): OnReadOpts {
  return {
    buffer: room,
    callback: (end) => {
      sink(room, end, true);
      return true;
    },
  };
}

/** The part of a socket's handle that is asked for. */
interface StreamHandle {
  useUserBuffer?: unknown;
}

/** What the constructor of a Socket takes beside what is documented. */
interface HandleOptions {
  handle: StreamHandle;
  onread: OnReadOpts;
}

/**
 * Makes a socket that was accepted (and paused: `pauseOnConnect`) read into the room. `net.connect` has an option for that, a server has none:
 * the connection is handed on to a socket that is made with it. Where this Node does not let us, the socket itself is read, as usual.
 *
 * @returns the socket to go on with
 */
export function readAccepted(accepted: Socket, sink: ByteSink): Socket {
  const owner = accepted as unknown as { _handle?: StreamHandle | null };
  const handle = owner._handle;
  if (handle === null || handle === undefined || typeof handle.useUserBuffer !== 'function') {
    accepted.on('data', (bytes: Buffer) => sink(bytes, bytes.length, false));
    accepted.resume();
    return accepted;
  }
  owner._handle = null;
  const options: HandleOptions = { handle, onread: readingIntoRoom(sink) };
  const socket = new Socket(options as never);
  // The server counts its connections by the sockets that it made itself.
  socket.once('close', () => accepted.destroy());
  return socket;
}
