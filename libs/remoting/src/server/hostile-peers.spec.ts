import { connect, type Socket } from 'node:net';
import { encodeFrame, RemotingCommand, ResponseCode } from '@rocknest/protocol';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { DEFERRED } from '../index.js';
import { closeAfterEach, deferred, RawPeer, RecordingLogger, request, startServer } from '../spec-support/endpoints.js';

closeAfterEach();

const crowd: Socket[] = [];
afterEach(() => {
  for (const socket of crowd.splice(0)) socket.destroy();
});

function withLength(length: number, rest: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeInt32BE(length);
  return Buffer.concat([head, rest]);
}

/** Opens many sockets that do nothing. */
async function openCrowd(port: number, count: number): Promise<Socket[]> {
  const opened = Array.from({ length: count }, () => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    crowd.push(socket);
    return socket;
  });
  await waitFor(() => opened.every((socket) => !socket.connecting), `${count} sockets to connect`);
  return opened;
}

describe('malformed frames', () => {
  it.each([
    ['a length of 3', withLength(3, Buffer.alloc(3))],
    ['a negative length', withLength(-1, Buffer.alloc(0))],
    ['a length above the limit', withLength(16_777_213, Buffer.alloc(0))],
    ['a header longer than the frame', withLength(8, Buffer.from([0, 0, 1, 0, 0, 0, 0, 0]))],
    ['an unknown serialisation type', withLength(6, Buffer.from([9, 0, 0, 2, 0x7b, 0x7d]))],
    ['a header that is no JSON', withLength(8, Buffer.from([0, 0, 0, 4, 0x7b, 0x22, 0x61, 0x3a]))],
    ['a torn compact header', withLength(8, Buffer.from([1, 0, 0, 4, 0, 1, 0, 1]))],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ])('%s closes the connection with one line, and others go on', async (_what, bytes) => {
    const logger = new RecordingLogger();
    const { server, port } = await startServer({ logger });
    const good = await RawPeer.connect(port);
    const bad = await RawPeer.connect(port);
    bad.sendBytes(bytes);
    await bad.untilClosed();
    expect(bad.responses).toEqual([]);
    expect(logger.lines).toHaveLength(1);
    expect(logger.lines[0]).toMatch(/^closing the connection of 127\.0\.0\.1:\d+: /);
    good.send(request(1, 1, { text: 'still here' }));
    expect((await good.response()).field('text')).toBe('still here');
    expect(server.connections.size).toBe(1);
  });

  it('a TLS client is told in the log what to do', async () => {
    const logger = new RecordingLogger();
    const { port } = await startServer({ logger });
    const peer = await RawPeer.connect(port);
    peer.sendBytes(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc]));
    await peer.untilClosed();
    expect(logger.lines[0]).toMatch(/speaks TLS/);
  });

  it('answers what came before the malformed frame', async () => {
    const { port } = await startServer();
    const peer = await RawPeer.connect(port);
    peer.sendBytes(Buffer.concat([...encodeFrame(request(1, 1)), withLength(2, Buffer.alloc(2))]));
    await peer.untilClosed();
    expect(peer.responses.length).toBeLessThanOrEqual(1);
  });

  it('random bytes never stop the server', async () => {
    const { server, port } = await startServer({ partialFrameTimeoutMs: 200, firstFrameTimeoutMs: 200 });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
        const peer = await RawPeer.connect(port);
        peer.sendBytes(Buffer.from(bytes));
        peer.socket.end();
        await peer.untilClosed();
      }),
      { numRuns: 100 },
    );
    await waitFor(() => server.connections.size === 0, 'all to be closed');
    const peer = await RawPeer.connect(port);
    peer.send(request(1, 1));
    expect((await peer.response()).code).toBe(0);
  });
});

describe('silent and slow peers', () => {
  it('one that never sends a frame is closed', async () => {
    const { port } = await startServer({ firstFrameTimeoutMs: 80 });
    const silent = await RawPeer.connect(port);
    await silent.untilClosed();
  });

  it('one that goes idle is closed, one that talks is not', async () => {
    const reasons: string[] = [];
    const { port } = await startServer({ idleTimeoutMs: 300, onConnectionClose: (_, reason) => reasons.push(reason) });
    const idle = await RawPeer.connect(port);
    const talking = await RawPeer.connect(port);
    idle.send(request(1, 1));
    let opaque = 0;
    const talk = setInterval(() => talking.send(request(1, ++opaque)), 20);
    await idle.untilClosed();
    clearInterval(talk);
    expect(talking.closed).toBe(false);
    expect(reasons).toEqual(['idle for 300 ms']);
  });

  it('one that only writes to what it reads nothing from keeps its connection', async () => {
    const { port, connection } = await startServer({ idleTimeoutMs: 200, firstFrameTimeoutMs: 0 });
    const listener = await RawPeer.connect(port);
    const from = await connection();
    const notices = setInterval(() => from.oneway(RemotingCommand.request(40)), 20);
    await waitFor(() => listener.responses.length > 30, 'notices for longer than the idle time');
    clearInterval(notices);
    expect(listener.closed).toBe(false);
    await listener.untilClosed();
  });

  it('one that feeds a frame byte by byte is closed when the time for the frame is over', async () => {
    const reasons: string[] = [];
    const { port } = await startServer({
      partialFrameTimeoutMs: 100,
      minFrameBytesPerSecond: 1_000_000,
      onConnectionClose: (_, reason) => reasons.push(reason),
    });
    const slow = await RawPeer.connect(port);
    slow.send(request(1, 1));
    await slow.response();
    slow.sendBytes(withLength(1_000, Buffer.alloc(0)));
    const drip = setInterval(() => slow.sendBytes(Buffer.alloc(1)), 10);
    await slow.untilClosed();
    clearInterval(drip);
    expect(reasons[0]).toMatch(/a frame of 1000 bytes was not complete after \d+ ms/);
  });

  it('those that hold incomplete frames are closed when all of them together take too much memory', async () => {
    const logger = new RecordingLogger();
    const { server, port } = await startServer({ maxPartialFrameBytes: 1_000_000, logger });
    const peers: RawPeer[] = [];
    for (let i = 0; i < 8; i++) {
      const peer = await RawPeer.connect(port);
      peer.sendBytes(withLength(16_000_000, Buffer.alloc(200_000)));
      peers.push(peer);
    }
    await waitFor(() => peers.some((peer) => peer.closed), 'one to be closed');
    expect(server.partialFrameBytes).toBeLessThanOrEqual(1_000_000);
    expect(logger.lines[0]).toMatch(/incomplete frames of all connections/);
    for (const peer of peers) peer.socket.destroy();
    await waitFor(() => server.connections.size === 0, 'all to be gone');
    expect(server.partialFrameBytes).toBe(0);
  });

  it('a half-open peer, which closes its writing side, is closed', async () => {
    const { server, port } = await startServer();
    const peer = await RawPeer.connect(port);
    peer.send(request(1, 1));
    await peer.response();
    peer.socket.end();
    await peer.untilClosed();
    expect(server.connections.size).toBe(0);
  });

  it('a peer that resets the connection is forgotten', async () => {
    const { server, port } = await startServer();
    const peer = await RawPeer.connect(port);
    peer.send(request(1, 1));
    await peer.response();
    peer.socket.resetAndDestroy();
    await waitFor(() => server.connections.size === 0, 'the close');
  });
});

describe('many connections', () => {
  it('serves 1,500 at once', async () => {
    const { server, port } = await startServer();
    const sockets = await openCrowd(port, 1_500);
    await waitFor(() => server.connections.size === 1_500, 'all connections');
    const frame = Buffer.concat(encodeFrame(request(1, 1, { text: 'x' })));
    let answered = 0;
    for (const socket of sockets) {
      socket.once('data', () => answered++);
      socket.write(frame);
    }
    await waitFor(() => answered === 1_500, 'all answers');
    for (const socket of sockets) socket.destroy();
    await waitFor(() => server.connections.size === 0, 'all to be gone');
  }, 30_000);

  it('closes those above the limit at accept, with one line', async () => {
    const logger = new RecordingLogger();
    const { server, port } = await startServer({ maxConnections: 5, logger });
    const sockets = await openCrowd(port, 20);
    await waitFor(
      () =>
        sockets.filter((socket) => socket.destroyed || socket.readableEnded).length >= 15 ||
        sockets.every((socket) => socket.resume() && false),
      'the excess to be closed',
    );
    expect(server.connections.size).toBe(5);
    expect(logger.lines).toHaveLength(1);
    expect(logger.lines[0]).toMatch(/refused a connection of 127\.0\.0\.1:\d+: maxConnections 5 are open/);
    for (const socket of sockets) socket.destroy();
    await waitFor(() => server.connections.size === 0, 'room');
    const peer = await RawPeer.connect(port);
    peer.send(request(1, 1));
    expect((await peer.response()).code).toBe(0);
  });
});

describe('requests in flight', () => {
  const BUSY = '[OVERLOAD]system busy, start flow control for a while';

  it('above the limit of a connection they are answered SYSTEM_BUSY, oneway ones dropped', async () => {
    const { server, port } = await startServer({ maxInFlightPerConnection: 2 });
    const gate = deferred<void>();
    let served = 0;
    server.register(2, async () => {
      served++;
      await gate.promise;
      return RemotingCommand.response(0);
    });
    const peer = await RawPeer.connect(port);
    peer.send(request(2, 1), request(2, 2), request(2, 3), request(2, 4).markOneway(), request(1, 5));
    const busy = [await peer.response(0), await peer.response(1)];
    expect(busy.map((one) => [one.opaque, one.code, one.remark])).toEqual([
      [3, ResponseCode.SYSTEM_BUSY, BUSY],
      [5, ResponseCode.SYSTEM_BUSY, BUSY],
    ]);
    expect(served).toBe(2);
    gate.resolve();
    await peer.response(3);
    peer.send(request(1, 6));
    expect((await peer.response(4)).code).toBe(0);
  });

  it('above the limit of the server, too', async () => {
    const { server, port } = await startServer({ maxInFlight: 2 });
    server.register(2, () => DEFERRED);
    const peers = [await RawPeer.connect(port), await RawPeer.connect(port)];
    peers[0].send(request(2, 1), request(2, 2));
    await waitFor(() => server.inFlightRequests === 2, 'two in flight');
    peers[1].send(request(1, 1));
    expect((await peers[1].response()).code).toBe(ResponseCode.SYSTEM_BUSY);
    peers[0].socket.destroy();
    await waitFor(() => server.inFlightRequests === 0, 'room');
    peers[1].send(request(1, 2));
    expect((await peers[1].response(1)).code).toBe(0);
  });

  it('large ones are limited by their bytes', async () => {
    const { server, port } = await startServer({ maxLargeInFlightBytes: 300_000 });
    server.register(2, () => DEFERRED);
    const peer = await RawPeer.connect(port);
    peer.send(...[1, 2, 3, 4].map((opaque) => request(2, opaque, { body: Buffer.alloc(100_000) })));
    const refused = [await peer.response(0), await peer.response(1)];
    expect(refused.map((one) => [one.opaque, one.code])).toEqual([
      [3, ResponseCode.SYSTEM_BUSY],
      [4, ResponseCode.SYSTEM_BUSY],
    ]);
    peer.send(request(2, 5, { body: Buffer.alloc(1_000) }), request(1, 6));
    expect((await peer.response(2)).opaque).toBe(6);
  });
});
