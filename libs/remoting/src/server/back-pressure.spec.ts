import { encodeFrame, RemotingCommand } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { DEFERRED } from '../index.js';
import { closeAfterEach, RawPeer, RecordingLogger, request, startServer } from '../spec-support/endpoints.js';

closeAfterEach();

const KIB = 1024;
const RESPONSE_BYTES = 16 * KIB;

/** A handler for code 2 that answers with a body of 16 KiB and counts. */
async function startBulkServer(options: Parameters<typeof startServer>[0] = {}) {
  const started = await startServer({
    writeHighWaterMarkBytes: 256 * KIB,
    writeLowWaterMarkBytes: 64 * KIB,
    maxFrameBytes: 128 * KIB,
    maxBufferedBytesPerConnection: 1024 * KIB,
    ...options,
  });
  const body = Buffer.alloc(RESPONSE_BYTES, 1);
  const counts = { served: 0, peakBufferedBytes: 0 };
  started.server.register(2, (_request, from) => {
    counts.served++;
    counts.peakBufferedBytes = Math.max(counts.peakBufferedBytes, from.bufferedBytes);
    return RemotingCommand.response(0, { body });
  });
  return { ...started, counts };
}

/** Writes requests without end, as long as the kernel takes them, until told to stop. */
function flood(peer: RawPeer): { sent(): number; stop(): void } {
  const batch = Buffer.concat(
    Array.from({ length: 16 }, (_, index) =>
      Buffer.concat(encodeFrame(request(2, index, { body: Buffer.alloc(4 * KIB) }))),
    ),
  );
  let sent = 0;
  let stopped = false;
  const step = (): void => {
    if (stopped || peer.socket.destroyed) return;
    sent += 16;
    if (peer.socket.write(batch)) setImmediate(step);
    else peer.socket.once('drain', step);
  };
  step();
  return {
    sent: () => sent,
    stop() {
      stopped = true;
    },
  };
}

describe('a peer that stops reading', () => {
  it('is read no further, and memory stays flat; when it reads again, it gets every answer', async () => {
    const { server, port, connection, counts } = await startBulkServer();
    const peer = await RawPeer.connect(port);
    const from = await connection();
    peer.socket.pause();
    const flooding = flood(peer);
    await waitFor(() => !from.writable, 'the connection to be full');
    // The peer's own writes stand still now: the kernel's buffers in both directions are full.
    let last = -1;
    await waitFor(async () => {
      const before = counts.served;
      await new Promise((resolve) => setTimeout(resolve, 30));
      const still = before === counts.served && before === last;
      last = counts.served;
      return still;
    }, 'the server to stop serving');
    flooding.stop();
    // The high-water mark, what one early flush adds, and one answer.
    const limit = 256 * KIB + 256 * KIB + RESPONSE_BYTES + 4 * KIB;
    expect(from.bufferedBytes).toBeGreaterThan(0);
    expect(counts.peakBufferedBytes).toBeLessThan(limit);
    expect(server.bufferedBytes).toBeLessThan(limit);
    expect(counts.served).toBeLessThan(flooding.sent());

    peer.socket.resume();
    await waitFor(() => peer.responses.length >= flooding.sent(), 'every answer', 60_000);
    expect(from.writable).toBe(true);
    expect([from.bufferedBytes, server.bufferedBytes]).toEqual([0, 0]);
    peer.send(request(1, 1, { text: 'as before' }));
    await waitFor(() => peer.responses.at(-1)?.field('text') === 'as before', 'service as before');
  }, 60_000);

  it('does not hold up other peers', async () => {
    const { port, connection } = await startBulkServer();
    const stuck = await RawPeer.connect(port);
    const from = await connection();
    stuck.socket.pause();
    const flooding = flood(stuck);
    await waitFor(() => !from.writable, 'the connection to be full');
    const other = await RawPeer.connect(port);
    for (let opaque = 0; opaque < 20; opaque++) other.send(request(1, opaque));
    await other.response(19);
    flooding.stop();
  });

  it('is closed when answers that were already under way pass the hard limit', async () => {
    const logger = new RecordingLogger();
    const reasons: string[] = [];
    const { server, port, connection } = await startServer({
      writeHighWaterMarkBytes: 256 * KIB,
      writeLowWaterMarkBytes: 64 * KIB,
      maxFrameBytes: 128 * KIB,
      maxBufferedBytesPerConnection: 2048 * KIB,
      logger,
      onConnectionClose: (_, reason) => reasons.push(reason),
    });
    server.register(3, () => DEFERRED);
    const peer = await RawPeer.connect(port);
    peer.socket.pause();
    const count = 2_000;
    peer.send(...Array.from({ length: count }, (_, opaque) => request(3, opaque)));
    await waitFor(() => server.inFlightRequests === count, 'all parked');
    const from = await connection();
    const body = Buffer.alloc(32 * KIB);
    let peakBytes = 0;
    for (let opaque = 0; opaque < count && !from.closed; opaque++) {
      from.respond({ opaque, isOneway: false }, RemotingCommand.response(0, { body }));
      peakBytes = Math.max(peakBytes, server.bufferedBytes);
      if (opaque % 8 === 7) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(from.closed).toBe(true);
    expect(peakBytes).toBeLessThan(4096 * KIB);
    expect(reasons[0]).toMatch(/it does not read: \d+ bytes wait for it/);
    expect(logger.lines).toHaveLength(1);
    expect([server.bufferedBytes, server.inFlightRequests]).toEqual([0, 0]);
  });

  it('is closed when all of them together pass the limit of the server', async () => {
    const reasons: string[] = [];
    const { server, port } = await startBulkServer({
      maxBufferedBytes: 512 * KIB,
      onConnectionClose: (_, reason) => reasons.push(reason),
    });
    const floods: ReturnType<typeof flood>[] = [];
    for (let i = 0; i < 4; i++) {
      const peer = await RawPeer.connect(port);
      peer.socket.pause();
      floods.push(flood(peer));
    }
    await waitFor(() => reasons.some((reason) => reason.includes('does not read')), 'one to be closed');
    for (const flooding of floods) flooding.stop();
    expect(server.bufferedBytes).toBeLessThan(1024 * KIB);
  });

  it('gets no more oneway requests than fit', async () => {
    const { port, connection } = await startServer({
      writeHighWaterMarkBytes: 64 * KIB,
      writeLowWaterMarkBytes: 32 * KIB,
      maxFrameBytes: 128 * KIB,
      maxBufferedBytesPerConnection: 256 * KIB,
      logger: new RecordingLogger(),
    });
    const peer = await RawPeer.connect(port);
    const from = await connection();
    peer.socket.pause();
    const notice = (): RemotingCommand => RemotingCommand.request(40, {}, Buffer.alloc(8 * KIB));
    for (let i = 0; i < 20_000 && !from.closed; i++) {
      from.oneway(notice());
      if (i % 4 === 3) await new Promise((resolve) => setImmediate(resolve));
      if (from.bufferedBytes > 248 * KIB) break;
    }
    const fullBytes = from.bufferedBytes;
    from.oneway(notice());
    expect(from.bufferedBytes).toBe(fullBytes);
    await expect(from.request(notice(), 1_000)).rejects.toMatchObject({ code: 'REMOTING_TOO_MUCH_REQUEST' });
  });
});
