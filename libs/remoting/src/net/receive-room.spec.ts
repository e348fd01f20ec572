import { createServer, type Socket } from 'node:net';
import { encodeFrame, RemotingCommand } from '@rocknest/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { DEFERRED, readingAtOnce } from '../index.js';
import { closeAfterEach, newClient, RawPeer, request, startServer } from '../spec-support/endpoints.js';
import { readAccepted } from './receive-room.js';

closeAfterEach();

const BODY = Buffer.from('the body of the first request');
const OTHER = Buffer.alloc(BODY.length, 'x');

describe('what a connection receives', () => {
  it('stays with a handler that reads it later, though more has come meanwhile', async () => {
    const { server, port } = await startServer();
    const kept: RemotingCommand[] = [];
    server.register(2, (command) => {
      kept.push(command);
      return command.code === 2 ? DEFERRED : undefined;
    });
    const peer = await RawPeer.connect(port);
    peer.send(request(2, 1, { text: 'first', body: BODY }));
    await waitFor(() => kept.length === 1, 'the first request');
    peer.send(request(2, 2, { text: 'again', body: OTHER }));
    await waitFor(() => kept.length === 2, 'the second request');
    expect(kept.map((command) => command.field('text'))).toEqual(['first', 'again']);
    expect(kept[0].bodyBuffer).toEqual(BODY);
  });

  it('is lent to a handler that reads at once, which can keep it with detach', async () => {
    const { server, port } = await startServer();
    const lent: Buffer[] = [];
    const detached: RemotingCommand[] = [];
    server.register(
      2,
      readingAtOnce((command) => {
        lent.push(command.bodyBuffer);
        command.detach();
        detached.push(command);
      }),
    );
    const peer = await RawPeer.connect(port);
    for (const [opaque, body] of [BODY, OTHER].entries()) {
      peer.send(request(2, opaque, { text: String(opaque), body }));
      await waitFor(() => lent.length === opaque + 1, 'the request');
    }
    expect(detached.map((command) => command.field('text'))).toEqual(['0', '1']);
    expect(detached[0].bodyBuffer).toEqual(BODY);
    // Overwritten: nothing was copied for the handler.
    expect(lent[0]).toEqual(OTHER);
  });

  it('stays with who waits for an answer', async () => {
    const { address } = await startServer();
    const client = newClient();
    const first = await client.invoke(address, RemotingCommand.request(1, { text: 'one' }, BODY), 5_000);
    await client.invoke(address, RemotingCommand.request(1, { text: 'two' }, OTHER), 5_000);
    expect(first.field('text')).toBe('one');
    expect(first.bodyBuffer).toEqual(BODY);
  });

  it('stays when reading is stopped in the middle of it', async () => {
    const { server, port } = await startServer({ writeHighWaterMarkBytes: 1024, writeLowWaterMarkBytes: 512 });
    const large = Buffer.alloc(4 * 1024 * 1024, 'a');
    const bodies: string[] = [];
    server.register(2, (command) => {
      bodies.push(command.bodyBuffer.toString());
      return RemotingCommand.response(0, { body: large });
    });
    const peer = await RawPeer.connect(port);
    peer.socket.pause();
    // All in one packet: the answer to the first fills the socket while the others wait in what was received.
    peer.send(...Array.from({ length: 5 }, (_, n) => request(2, n, { body: Buffer.from(`body ${n}`) })));
    await waitFor(() => bodies.length > 0, 'the first request');
    const other = await RawPeer.connect(port);
    other.send(request(1, 1, { text: 'other', body: OTHER }));
    await other.response();
    peer.socket.resume();
    await waitFor(() => peer.responses.length === 5, 'all answers');
    expect(bodies).toEqual(['body 0', 'body 1', 'body 2', 'body 3', 'body 4']);
  });
});

describe('a socket that was accepted', () => {
  const toClose: { close(): unknown }[] = [];
  afterEach(() => {
    for (const one of toClose.splice(0)) one.close();
  });

  /** A server that reads with `readAccepted`, after `prepare`. */
  async function accept(
    prepare: (socket: Socket) => void,
  ): Promise<{ peer: RawPeer; got: string[]; sockets: Socket[] }> {
    const got: string[] = [];
    const sockets: Socket[] = [];
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      prepare(socket);
      const own = readAccepted(socket, (bytes, end, borrowed) =>
        got.push(`${borrowed} ${bytes.toString('latin1', 0, end)}`),
      );
      own.on('error', () => {});
      sockets.push(socket, own);
    });
    toClose.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const peer = await RawPeer.connect(typeof address === 'object' && address !== null ? address.port : 0);
    await waitFor(() => sockets.length === 2, 'the socket');
    return { peer, got, sockets };
  }

  it('is read into memory that is used again, and ends as a socket does', async () => {
    const { peer, got, sockets } = await accept(() => {});
    peer.sendBytes(Buffer.from('hello'));
    await waitFor(() => got.length === 1, 'bytes');
    expect(got).toEqual(['true hello']);
    expect(sockets[1]).not.toBe(sockets[0]);
    // A whole frame of no meaning.
    sockets[1].write(encodeFrame(RemotingCommand.response(0))[0]);
    await peer.response();
    peer.socket.end();
    await waitFor(() => peer.closed && sockets.every((socket) => socket.closed), 'both sockets to be closed');
  });

  it('is read as usual where its handle cannot do that', async () => {
    const { peer, got, sockets } = await accept((socket) => {
      Object.assign((socket as unknown as { _handle: object })._handle, { useUserBuffer: undefined });
    });
    peer.sendBytes(Buffer.from('hello'));
    await waitFor(() => got.length === 1, 'bytes');
    expect(got).toEqual(['false hello']);
    expect(sockets[1]).toBe(sockets[0]);
    sockets[1].destroy();
  });
});
