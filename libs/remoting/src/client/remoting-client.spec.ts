import { createServer, type Server, type Socket } from 'node:net';
import { decodeFrame, encodeFrame, RemotingCommand } from '@rocknest/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { DEFERRED, nextOpaque, RemotingServer } from '../index.js';
import { closeAfterEach, deferred, newClient, RecordingLogger, startServer } from '../spec-support/endpoints.js';

closeAfterEach();

const rawServers: { server: Server; sockets: Socket[] }[] = [];
afterEach(() => {
  for (const { server, sockets } of rawServers.splice(0)) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
});

/** A server that does with its sockets what a test says, and never reads by itself. */
async function rawServer(onSocket: (socket: Socket) => void): Promise<{ address: string; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  rawServers.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { address: `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, sockets };
}

const ask = (text = 'x'): RemotingCommand => RemotingCommand.request(1, { text });

describe('connecting', () => {
  it('callers that come at once share one connection', async () => {
    const opened: string[] = [];
    const { server, address } = await startServer();
    const client = newClient({ onConnectionOpen: (to) => opened.push(to) });
    const responses = await Promise.all(
      Array.from({ length: 50 }, (_, i) => client.invoke(address, ask(`${i}`), 5_000)),
    );
    expect(responses.map((one) => one.field('text'))).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
    expect([opened, server.connections.size]).toEqual([[address], 1]);
    expect([client.isConnected(address), [...client.connections().keys()], client.pending]).toEqual([
      true,
      [address],
      0,
    ]);
  });

  it('a refused connection is an error that says so, and is not remembered', async () => {
    const { server, address, port } = await startServer();
    await server.close();
    const client = newClient();
    const failures = await Promise.allSettled([
      client.invoke(address, ask(), 5_000),
      client.invoke(address, ask(), 5_000),
    ]);
    for (const failure of failures) {
      expect(failure).toMatchObject({ status: 'rejected', reason: { code: 'REMOTING_CONNECT', retriable: true } });
    }
    const again = new RemotingServer({ port });
    again.register(1, () => RemotingCommand.response(0));
    await again.listen();
    expect((await client.invoke(address, ask(), 5_000)).code).toBe(0);
    await client.close();
    await again.close();
  });

  it.each(['nonsense', 'host:', '127.0.0.1:99999', ''])('"%s" is no address', async (address) => {
    await expect(newClient().invoke(address, ask(), 1_000)).rejects.toThrow(/not of the form host:port/);
  });

  it('an unknown host is a connect error', async () => {
    await expect(newClient().invoke('no-such-host.invalid:9876', ask(), 10_000)).rejects.toMatchObject({
      code: expect.stringMatching(/REMOTING_CONNECT|REMOTING_TIMEOUT/),
    });
  });

  it('reconnects after the server was away', async () => {
    const first = await startServer();
    const client = newClient();
    await client.invoke(first.address, ask(), 5_000);
    await first.server.close();
    await waitFor(() => !client.isConnected(first.address), 'the close to be seen');
    const second = await startServer({ port: first.port });
    expect((await client.invoke(second.address, ask('again'), 5_000)).field('text')).toBe('again');
  });

  it('closeConnection() fails what is pending and the next request opens a new one', async () => {
    const reasons: string[] = [];
    const { server, address } = await startServer();
    server.register(2, () => DEFERRED);
    const client = newClient({ onConnectionClose: (_address, _connection, reason) => reasons.push(reason) });
    const pending = client.invoke(address, RemotingCommand.request(2), 60_000);
    const failed = expect(pending).rejects.toMatchObject({ code: 'REMOTING_SEND' });
    await waitFor(() => client.isConnected(address), 'the connection');
    client.closeConnection(address, 'test');
    await failed;
    expect((await client.invoke(address, ask(), 5_000)).code).toBe(0);
    expect(reasons).toEqual(['test']);
  });

  it('an idle connection is closed', async () => {
    const { address } = await startServer();
    const client = newClient({ idleTimeoutMs: 80 });
    await client.invoke(address, ask(), 5_000);
    await waitFor(() => client.connections().size === 0, 'the idle close');
    expect((await client.invoke(address, ask(), 5_000)).code).toBe(0);
  });
});

describe('requests', () => {
  it('time out, and a late answer is dropped', async () => {
    const { server, address } = await startServer();
    const gate = deferred<void>();
    server.register(2, async () => {
      await gate.promise;
      return RemotingCommand.response(0);
    });
    const client = newClient();
    await client.invoke(address, ask(), 5_000);
    await expect(client.invoke(address, RemotingCommand.request(2), 50)).rejects.toMatchObject({
      code: 'REMOTING_TIMEOUT',
      message: expect.stringMatching(/^no answer from 127\.0\.0\.1:\d+ within 50 ms$/),
    });
    gate.resolve();
    expect((await client.invoke(address, ask('next'), 5_000)).field('text')).toBe('next');
    expect(client.pending).toBe(0);
  });

  it('fail at once when the connection closes', async () => {
    const { address, sockets } = await rawServer((socket) => socket.resume());
    const client = newClient();
    const pending = Promise.allSettled([1, 2, 3].map(() => client.invoke(address, ask(), 60_000)));
    await waitFor(() => sockets.length === 1 && client.isConnected(address), 'the connection');
    sockets[0].destroy();
    for (const result of await pending) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'REMOTING_SEND', retriable: true } });
    }
    expect(client.pending).toBe(0);
  });

  it('a peer that is silent while requests time out is taken for dead', async () => {
    const { address } = await rawServer((socket) => socket.resume());
    const reasons: string[] = [];
    const client = newClient({ silentPeerTimeoutMs: 100, onConnectionClose: (_a, _c, reason) => reasons.push(reason) });
    const long = client.invoke(address, ask(), 60_000);
    const failed = expect(long).rejects.toThrow(/silent/);
    await expect(client.invoke(address, ask(), 150)).rejects.toMatchObject({ code: 'REMOTING_TIMEOUT' });
    await failed;
    expect(reasons).toHaveLength(1);
  });

  it('garbage from a server closes the connection and fails the request', async () => {
    const { address } = await rawServer((socket) =>
      socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );
    const logger = new RecordingLogger();
    await expect(newClient({ logger }).invoke(address, ask(), 5_000)).rejects.toThrow(/malformed frame/);
    expect(logger.lines).toHaveLength(1);
  });

  it('the limit of pending requests counts those that wait for a connection, too', async () => {
    const { server, address } = await startServer();
    server.register(2, () => DEFERRED);
    const client = newClient({ maxPending: 3 });
    const pending = [1, 2, 3].map(() => client.invoke(address, RemotingCommand.request(2), 60_000));
    const refused = client.invoke(address, ask(), 1_000);
    await expect(refused).rejects.toMatchObject({ code: 'REMOTING_TOO_MUCH_REQUEST' });
    await waitFor(() => server.inFlightRequests === 3, 'three in flight');
    await expect(client.invoke(address, ask(), 1_000)).rejects.toMatchObject({ code: 'REMOTING_TOO_MUCH_REQUEST' });
    const failed = Promise.allSettled(pending);
    client.closeConnection(address);
    await failed;
    expect((await client.invoke(address, ask(), 5_000)).code).toBe(0);
  });

  it('callbacks are never called within the call, and what they throw is logged', async () => {
    const { address } = await startServer();
    const logger = new RecordingLogger();
    const client = newClient({ logger });
    const calls: string[] = [];
    const callAndWait = async (to: string): Promise<void> => {
      const done = deferred<void>();
      let inside = true;
      client.invokeCallback(to, ask(), 5_000, (error) => {
        calls.push(`${inside ? 'inside' : 'later'} ${error === undefined ? 'ok' : 'error'}`);
        done.resolve();
        throw new Error('from the callback');
      });
      inside = false;
      await done.promise;
    };
    await callAndWait('nonsense');
    await callAndWait(address);
    await callAndWait(address);
    expect(calls).toEqual(['later error', 'later ok', 'later ok']);
    expect(logger.lines.filter((line) => line.includes('from the callback'))).toHaveLength(1);
    expect(client.isConnected(address)).toBe(true);
  });

  it('a frame encoded by the caller is matched by its opaque', async () => {
    const { address } = await startServer();
    const client = newClient();
    for (let round = 0; round < 2; round++) {
      const command = ask(`round ${round}`);
      command.opaque = client.nextOpaque();
      const answer = deferred<RemotingCommand | undefined>();
      client.invokeEncoded(address, command.opaque, encodeFrame(command), 5_000, (_error, response) =>
        answer.resolve(response),
      );
      expect((await answer.promise)?.field('text')).toBe(`round ${round}`);
    }
    const refused = deferred<Error | undefined>();
    client.invokeEncoded('nonsense', nextOpaque(), Buffer.alloc(0), 5_000, (error) => refused.resolve(error));
    expect(await refused.promise).toMatchObject({ code: 'REMOTING_CONNECT' });
  });

  it('one turn of the event loop leaves in one piece', async () => {
    const chunks: Buffer[] = [];
    const { address } = await rawServer((socket) => socket.on('data', (chunk) => chunks.push(chunk)));
    const client = newClient();
    const ignored: Promise<unknown>[] = [client.invoke(address, ask(), 300).catch(() => {})];
    await waitFor(() => chunks.length === 1, 'the first request');
    for (let i = 0; i < 20; i++) ignored.push(client.invoke(address, ask(), 300).catch(() => {}));
    await waitFor(() => chunks.length > 1, 'the others');
    const first = decodeFrame(chunks[0].subarray(4));
    expect(first.field('text')).toBe('x');
    expect(chunks[1].length).toBeGreaterThan(19 * chunks[0].length);
    await Promise.all(ignored);
  });

  it('a command that cannot be encoded is an error of its own', async () => {
    const { address } = await startServer();
    const client = newClient();
    const huge = RemotingCommand.request(1, {}, Buffer.alloc(17 * 1024 * 1024));
    await expect(client.invoke(address, huge, 5_000)).rejects.toThrow(/at most 16777216/);
    await expect(client.invoke(address, huge, 5_000)).rejects.toMatchObject({ code: 'PROTOCOL_FRAME' });
    expect(client.isConnected(address)).toBe(true);
  });
});

describe('oneway requests', () => {
  it('arrive', async () => {
    const { server, address } = await startServer();
    const seen: string[] = [];
    server.register(2, (request) => void seen.push(`${request.field('text')} ${request.isOneway}`));
    const client = newClient();
    await client.invokeOneway(address, RemotingCommand.request(2, { text: 'a' }));
    await client.invokeOneway(address, RemotingCommand.request(2, { text: 'b' }));
    await waitFor(() => seen.length === 2, 'both');
    expect(seen).toEqual(['a true', 'b true']);
  });

  it('sent without a pause wait for room, and all arrive', async () => {
    const { server, address } = await startServer();
    let seen = 0;
    server.register(2, () => void seen++);
    const client = newClient({ writeHighWaterMarkBytes: 64 * 1024, writeLowWaterMarkBytes: 16 * 1024 });
    const body = Buffer.alloc(4 * 1024);
    let peakBytes = 0;
    for (let i = 0; i < 5_000; i++) {
      await client.invokeOneway(address, RemotingCommand.request(2, {}, body), 30_000);
      peakBytes = Math.max(peakBytes, client.connections().get(address)?.bufferedBytes ?? 0);
    }
    await waitFor(() => seen === 5_000, 'all');
    expect(peakBytes).toBeLessThan(400 * 1024);
  }, 60_000);

  it('that wait for room are limited in number', async () => {
    const { address } = await rawServer((socket) => socket.pause());
    const client = newClient({ writeHighWaterMarkBytes: 64 * 1024, writeLowWaterMarkBytes: 16 * 1024, maxPending: 20 });
    const body = Buffer.alloc(1024 * 1024);
    await client.invokeOneway(address, RemotingCommand.request(2));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, () => client.invokeOneway(address, RemotingCommand.request(2, {}, body), 200)),
    );
    const codes = new Set(
      outcomes.map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : 'sent')),
    );
    expect(codes).toContain('REMOTING_TOO_MUCH_REQUEST');
    expect(client.pending).toBe(0);
  });

  it('time out when there is no room, and fail without a connection', async () => {
    const { address } = await rawServer((socket) => socket.pause());
    const client = newClient({ writeHighWaterMarkBytes: 64 * 1024, writeLowWaterMarkBytes: 16 * 1024 });
    const flood = async (): Promise<void> => {
      for (;;) await client.invokeOneway(address, RemotingCommand.request(2, {}, Buffer.alloc(64 * 1024)), 100);
    };
    await expect(flood()).rejects.toMatchObject({ code: 'REMOTING_TIMEOUT' });
    await expect(client.invokeOneway('nonsense', ask())).rejects.toMatchObject({ code: 'REMOTING_CONNECT' });
  });
});

describe('closing a client', () => {
  it('fails pending requests and attempts, closes connections, and may be called twice', async () => {
    const { server, address } = await startServer();
    server.register(2, () => DEFERRED);
    const client = newClient();
    await client.invoke(address, ask(), 5_000);
    const pending = client.invoke(address, RemotingCommand.request(2), 60_000);
    const failed = expect(pending).rejects.toMatchObject({ code: 'REMOTING_SEND' });
    await Promise.all([client.close(), client.close()]);
    await failed;
    await waitFor(() => server.connections.size === 0, 'the server to see it');
    await expect(client.invoke(address, ask(), 1_000)).rejects.toThrow(/the client is closed/);
    await expect(client.invokeOneway(address, ask())).rejects.toThrow(/the client is closed/);
    expect(client.pending).toBe(0);
  });
});
