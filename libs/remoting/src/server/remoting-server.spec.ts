import { Socket } from 'node:net';
import { encodeFrame, RemotingCommand, ResponseCode, RocknestError, SerializeType } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { type Connection, DEFERRED, flushWrites, RemotingServer } from '../index.js';
import {
  closeAfterEach,
  deferred,
  newClient,
  RawPeer,
  RecordingLogger,
  request,
  startServer,
} from '../spec-support/endpoints.js';

closeAfterEach();

describe('a server', () => {
  it('answers with opaque and response bit, in either header form', async () => {
    const { port } = await startServer();
    const peer = await RawPeer.connect(port);
    const compact = request(1, -5, { text: 'two' });
    compact.serializeType = SerializeType.ROCKETMQ;
    peer.send(request(1, 7, { text: 'one', body: Buffer.from('body') }), compact);
    const [one, two] = [await peer.response(0), await peer.response(1)];
    expect([one.opaque, one.isResponse, one.field('text'), one.bodyBuffer.toString()]).toEqual([
      7,
      true,
      'one',
      'body',
    ]);
    expect([two.opaque, two.isResponse, two.field('text')]).toEqual([-5, true, 'two']);
  });

  it('answers an unknown code with code 3', async () => {
    const { port } = await startServer();
    const peer = await RawPeer.connect(port);
    peer.send(request(4242, 1));
    const response = await peer.response();
    expect([response.code, response.remark]).toEqual([
      ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
      ' request type 4242 not supported',
    ]);
  });

  it('answers errors with their message, and with their response code if they have one', async () => {
    const logger = new RecordingLogger();
    const { server, port } = await startServer({ logger });
    server.register(2, () => {
      throw new Error('sync trouble');
    });
    server.register(3, async () => {
      throw Object.assign(new RocknestError('X', 'refused'), { responseCode: ResponseCode.NO_PERMISSION });
    });
    server.register(4, () => {
      return Promise.reject(new Error(''));
    });
    const peer = await RawPeer.connect(port);
    peer.send(request(2, 1));
    const first = await peer.response(0);
    peer.send(request(3, 2));
    const second = await peer.response(1);
    peer.send(request(4, 3));
    const third = await peer.response(2);
    expect([first.opaque, first.code, first.remark]).toEqual([1, ResponseCode.SYSTEM_ERROR, 'sync trouble']);
    expect([second.opaque, second.code, second.remark]).toEqual([2, ResponseCode.NO_PERMISSION, 'refused']);
    expect([third.code, third.remark]).toEqual([ResponseCode.SYSTEM_ERROR, 'the handler failed without a message']);
    expect(logger.lines.filter((line) => line.includes('sync trouble'))).toHaveLength(1);
    expect(logger.lines.some((line) => line.includes('refused'))).toBe(false);
  });

  it('answers a result that is no command, and a response that cannot be encoded, with an error', async () => {
    const { server, port } = await startServer();
    server.register(2, () => 'text' as unknown as RemotingCommand);
    server.register(3, () => RemotingCommand.response(0, { body: Buffer.alloc(17 * 1024 * 1024) }));
    const peer = await RawPeer.connect(port);
    peer.send(request(2, 1), request(3, 2));
    expect((await peer.response(0)).remark).toMatch(/no RemotingCommand/);
    const tooLarge = await peer.response(1);
    expect([tooLarge.opaque, tooLarge.code]).toEqual([2, ResponseCode.SYSTEM_ERROR]);
    expect(tooLarge.remark).toMatch(/at most 16777216/);
  });

  it('never answers oneway requests, whatever becomes of them', async () => {
    const { server, port } = await startServer({ maxInFlightPerConnection: 1 });
    let served = 0;
    server.register(2, () => {
      served++;
      return RemotingCommand.response(0);
    });
    server.register(3, () => {
      served++;
      throw new Error('failed');
    });
    server.register(4, async () => {
      served++;
      return RemotingCommand.response(0);
    });
    server.register(5, () => {
      served++;
      return DEFERRED;
    });
    const peer = await RawPeer.connect(port);
    for (const code of [2, 3, 5, 99, 4]) peer.send(request(code, code).markOneway());
    await waitFor(() => served === 4, 'the oneway requests');
    await waitFor(() => server.inFlightRequests === 0, 'nothing in flight');
    peer.send(request(1, 50, { text: 'answered' }));
    expect((await peer.response(0)).opaque).toBe(50);
    expect(peer.responses).toHaveLength(1);
  });

  it('serves answers that come later and in another order, and counts what is in flight', async () => {
    const { server, port, connection } = await startServer();
    const parked: { opaque: number; isOneway: boolean }[] = [];
    server.register(2, (parkedRequest, from) => {
      parked.push(from.requestRef(parkedRequest));
      return DEFERRED;
    });
    const peer = await RawPeer.connect(port);
    peer.send(request(2, 1), request(2, 2), request(1, 3));
    expect((await peer.response(0)).opaque).toBe(3);
    const from = await connection();
    expect([from.inFlight, server.inFlightRequests]).toEqual([2, 2]);
    const encoded = RemotingCommand.response(0, { remark: 'encoded' });
    encoded.opaque = 2;
    from.respondEncoded(parked[1], encodeFrame(encoded));
    from.respond(parked[0], RemotingCommand.response(0, { remark: 'built' }));
    expect((await peer.response(1)).remark).toBe('encoded');
    expect((await peer.response(2)).remark).toBe('built');
    expect([from.inFlight, server.inFlightRequests]).toEqual([0, 0]);
  });

  it('a handler that returns nothing leaves the request without an answer and out of flight', async () => {
    const { server, port } = await startServer();
    server.register(2, () => {});
    const peer = await RawPeer.connect(port);
    peer.send(request(2, 1), request(1, 2));
    expect((await peer.response(0)).opaque).toBe(2);
    expect(server.inFlightRequests).toBe(0);
  });

  it('sends all answers of one loop turn in one write', async () => {
    const { server, port } = await startServer();
    const parked: (() => void)[] = [];
    server.register(2, (incoming, from) => {
      parked.push(() =>
        from.respond(
          incoming,
          RemotingCommand.response(0, { body: Buffer.alloc(incoming.opaque === 50 ? 20_000 : 10) }),
        ),
      );
      return DEFERRED;
    });
    const peer = await RawPeer.connect(port);
    const count = 100;
    peer.send(...Array.from({ length: count }, (_, index) => request(2, index)));
    await waitFor(() => parked.length === count, 'all requests');
    const writes = countSocketWrites();
    for (const answer of parked) answer();
    flushWrites();
    const { calls, vectors } = writes.stop();
    await waitFor(() => peer.responses.length === count, 'all responses');
    expect(peer.responses.map((one) => one.opaque)).toEqual(Array.from({ length: count }, (_, index) => index));
    // One writev of three pieces: the small ones before the large body, the body, the small ones after it.
    expect([calls, vectors]).toEqual([1, 3]);
  });

  it('knows peers, keeps attributes, and tells of opened and closed connections', async () => {
    const events: string[] = [];
    const { port, connection, server } = await startServer({
      onConnectionOpen: (opened) => events.push(`open ${opened.remoteAddress}`),
      onConnectionClose: (gone, reason) => events.push(`close ${gone.remoteAddress} ${reason}`),
    });
    const peer = await RawPeer.connect(port);
    const from = await connection();
    const local = `127.0.0.1:${peer.socket.localPort}`;
    expect([from.remoteAddress, from.localAddress]).toEqual([local, `127.0.0.1:${port}`]);
    expect(from.remoteHostBytes.readInt32BE(4)).toBe(peer.socket.localPort);
    from.attributes.set('clientId', 'c1');
    expect(from.attributes.get('clientId')).toBe('c1');
    const reasons: string[] = [];
    from.onClose((reason) => reasons.push(reason));
    peer.socket.end();
    await waitFor(() => server.connections.size === 0, 'the close');
    from.onClose((reason) => reasons.push(`late: ${reason}`));
    expect(events).toEqual([`open ${local}`, `close ${local} closed by the peer`]);
    expect(reasons).toEqual(['closed by the peer', 'late: closed by the peer']);
    expect([from.closed, from.writable]).toEqual([true, false]);
  });

  it('drops answers for a connection that has closed', async () => {
    const { server, port } = await startServer();
    const gate = deferred<void>();
    const answered = deferred<Connection>();
    server.register(2, async (incoming, from): Promise<typeof DEFERRED> => {
      await gate.promise;
      from.respond(incoming, RemotingCommand.response(0));
      answered.resolve(from);
      return DEFERRED;
    });
    const peer = await RawPeer.connect(port);
    peer.send(request(2, 1));
    await waitFor(() => server.inFlightRequests === 1, 'the request');
    peer.socket.destroy();
    await waitFor(() => server.connections.size === 0, 'the close');
    expect(server.inFlightRequests).toBe(0);
    gate.resolve();
    expect((await answered.promise).bufferedBytes).toBe(0);
    expect(server.inFlightRequests).toBe(0);
  });

  it('sends requests to its peers; both may use the same opaque at once', async () => {
    const { port, server, address } = await startServer();
    const client = newClient();
    client.registerHandler(40, (incoming) => RemotingCommand.response(0, { fields: { said: incoming.field('text') } }));
    await client.invoke(address, request(1, 0), 5_000);
    const from = [...server.connections][0];
    const [back, forth] = await Promise.all([
      from.request(RemotingCommand.request(40, { text: 'notice' }), 5_000),
      client.invoke(address, RemotingCommand.request(1, { text: 'ask' }), 5_000),
    ]);
    expect([back.field('said'), forth.field('text')]).toEqual(['notice', 'ask']);
    expect(port).toBeGreaterThan(0);

    // A raw peer asks with the very opaque that the server uses for its own request.
    const peer = await RawPeer.connect(port);
    const raw = await waitFor(() => [...server.connections].find((one) => one !== from), 'the raw connection');
    const pending = raw.request(RemotingCommand.request(40), 5_000);
    const asked = await peer.response(0);
    expect(asked.isResponse).toBe(false);
    peer.send(request(1, asked.opaque, { text: 'mine' }));
    const mine = await peer.response(1);
    expect([mine.opaque, mine.field('text'), mine.isResponse]).toEqual([asked.opaque, 'mine', true]);
    const answer = RemotingCommand.response(0, { remark: 'yours' });
    answer.opaque = asked.opaque;
    peer.send(answer);
    expect((await pending).remark).toBe('yours');
  });

  it('closes what a handler asks to close, after the answers before it', async () => {
    const { server, port } = await startServer();
    server.register(2, (incoming, from) => {
      from.respond(incoming, RemotingCommand.response(0, { remark: 'bye' }));
      from.close('unregistered');
      return DEFERRED;
    });
    const peer = await RawPeer.connect(port);
    peer.send(request(2, 1));
    await peer.untilClosed();
    expect(peer.responses.map((one) => one.remark)).toEqual(['bye']);
  });
});

describe('listening', () => {
  it('says what to do when the port is in use', async () => {
    const { port } = await startServer();
    const second = new RemotingServer({ port });
    await expect(second.listen()).rejects.toMatchObject({
      code: 'REMOTING_LISTEN',
      message: `cannot listen on 127.0.0.1:${port}: another process uses the port (EADDRINUSE). Stop that process, or choose another port`,
    });
    await second.close();
  });

  it('says what to do when the address is not of this machine', async () => {
    await expect(new RemotingServer({ host: '192.0.2.1' }).listen()).rejects.toThrow(/no such address .EADDRNOTAVAIL/);
  });

  it('refuses options that contradict each other', () => {
    expect(() => new RemotingServer({ writeHighWaterMarkBytes: 10 })).toThrow(/write limits do not fit/);
    expect(() => new RemotingServer({ maxBufferedBytesPerConnection: 2 ** 24 })).toThrow(/together not above/);
    expect(() => new RemotingServer({ port: 70_000 })).toThrow(/not in 0 to 65535/);
    expect(() => new RemotingServer({ maxFrameBytes: 20_000_000 })).toThrow(/above 16777216/);
  });
});

/** Counts writes that reach a socket's handle: each is one system call. */
function countSocketWrites(): { stop(): { calls: number; vectors: number } } {
  const prototype = socketPrototype();
  const { _write: write, _writev: writev } = prototype;
  let calls = 0;
  let vectors = 0;
  prototype._write = function (this: unknown, ...args: unknown[]) {
    calls++;
    vectors++;
    return write.apply(this, args);
  };
  prototype._writev = function (this: unknown, ...args: unknown[]) {
    calls++;
    vectors += (args[0] as unknown[]).length;
    return writev.apply(this, args);
  };
  return {
    stop() {
      prototype._write = write;
      prototype._writev = writev;
      return { calls, vectors };
    },
  };
}

type Writes = Record<'_write' | '_writev', (this: unknown, ...args: unknown[]) => unknown>;

function socketPrototype(): Writes {
  return Socket.prototype as unknown as Writes;
}
