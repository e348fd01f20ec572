import { MqVersion, RemotingCommand, ResponseCode } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { DEFERRED } from '../index.js';
import { closeAfterEach, deferred, newClient, RawPeer, request, startServer } from '../spec-support/endpoints.js';

closeAfterEach();

describe('closing a server', () => {
  it('waits for requests in flight and asks peers that understand it to go away', async () => {
    const { server, port } = await startServer();
    const gate = deferred<void>();
    server.register(2, async () => {
      await gate.promise;
      return RemotingCommand.response(0, { remark: 'finished' });
    });
    const peer = await RawPeer.connect(port);
    peer.send(request(2, 1));
    await waitFor(() => server.inFlightRequests === 1, 'the request');
    const closing = server.close({ graceMs: 10_000 });
    peer.send(request(1, 2, { version: 479 }));
    const goAway = await peer.response(0);
    expect([goAway.opaque, goAway.code, goAway.remark]).toEqual([2, ResponseCode.GO_AWAY, 'please go away']);
    peer.send(request(1, 3, { version: 475, text: 'old' }));
    expect((await peer.response(1)).field('text')).toBe('old');
    await expect(RawPeer.connect(port)).rejects.toThrow(/ECONNREFUSED/);
    gate.resolve();
    expect((await peer.response(2)).remark).toBe('finished');
    await closing;
    await peer.untilClosed();
    expect(server.connections.size).toBe(0);
  });

  it('waits no longer than the grace time', async () => {
    const { server, port } = await startServer();
    server.register(2, () => DEFERRED);
    const peer = await RawPeer.connect(port);
    peer.send(request(2, 1));
    await waitFor(() => server.inFlightRequests === 1, 'the request');
    await server.close({ graceMs: 60 });
    await peer.untilClosed();
    expect([server.connections.size, server.inFlightRequests]).toEqual([0, 0]);
  });

  it('ends idle connections at once, and may be asked twice', async () => {
    const { server, port } = await startServer();
    const peer = await RawPeer.connect(port);
    await waitFor(() => server.connections.size === 1, 'the connection');
    await Promise.all([server.close({ graceMs: 60_000 }), server.close()]);
    await peer.untilClosed();
  });

  it('resets a connection that goes on sending, with every request answered that it took', async () => {
    const { server, port } = await startServer();
    const taken: number[] = [];
    server.register(2, ({ opaque }) => {
      taken.push(opaque);
      return RemotingCommand.response(0);
    });
    const peer = await RawPeer.connect(port);
    let sent = 0;
    let end = '';
    peer.socket.once('error', (error: NodeJS.ErrnoException) => (end = error.code ?? ''));
    peer.socket.once('end', () => (end = 'end'));
    const sending = setInterval(() => peer.send(request(2, ++sent, { version: 475 })), 2);
    try {
      await waitFor(() => peer.responses.length > 10, 'answers');
      await server.close({ graceMs: 100 });
      await peer.untilClosed();
    } finally {
      clearInterval(sending);
    }
    // A request that nobody will answer must not wait for its time-out.
    expect(end).toMatch(/ECONNRESET|EPIPE/);
    expect(peer.responses.map(({ opaque }) => opaque)).toEqual(taken);
    expect(sent).toBeGreaterThan(taken.length);
  });

  it.each([
    { name: 'goes on sending', pauseMs: 2, graceMs: 100 },
    { name: 'is quiet', pauseMs: undefined, graceMs: 60_000 },
  ])('makes a Java client below 5.1.3 close by itself behind its last answer when it $name', async (step) => {
    const { server, port } = await startServer();
    let taken = 0;
    server.register(2, () => {
      taken++;
      return RemotingCommand.response(0);
    });
    const peer = await RawPeer.connect(port);
    let error = '';
    peer.socket.once('error', ({ message }) => (error = message));
    let sent = 0;
    const send = (): void => peer.send(request(2, ++sent, { version: MqVersion.V4_9_8, language: 'JAVA' }));
    send();
    await peer.response(0);
    const sending = step.pauseMs === undefined ? undefined : setInterval(send, step.pauseMs);
    try {
      await server.close({ graceMs: step.graceMs });
      await peer.untilClosed();
    } finally {
      clearInterval(sending);
    }
    // Not by a reset: a peer that writes before it reads would take it for an end.
    expect([error, peer.brokenOff]).toEqual(['', true]);
    expect(peer.responses.length).toBe(taken);
  });

  it('resets a Java client that does not close by itself', async () => {
    const { server, port } = await startServer();
    const peer = await RawPeer.connect(port);
    peer.send(request(1, 1, { version: MqVersion.V4_9_8, language: 'JAVA' }));
    await peer.response(0);
    peer.socket.pause();
    await server.close();
    peer.socket.resume();
    await peer.untilClosed();
  });

  it('ends a connection that has become quiet after its last answer', async () => {
    const { server, port } = await startServer();
    const peer = await RawPeer.connect(port);
    const closing = server.close({ graceMs: 60_000 });
    peer.send(request(1, 7, { text: 'last' }));
    await closing;
    await peer.untilClosed();
    expect(peer.responses.map(({ opaque }) => opaque)).toEqual([7]);
  });

  it('fails its own pending requests', async () => {
    const { server, port, connection } = await startServer();
    await RawPeer.connect(port);
    const pending = (await connection()).request(RemotingCommand.request(40), 60_000);
    const failed = expect(pending).rejects.toMatchObject({ code: 'REMOTING_SEND' });
    await server.close({ graceMs: 20 });
    await failed;
  });

  it('may stop accepting first and serve on', async () => {
    const { server, port, address } = await startServer();
    const client = newClient();
    await client.invoke(address, request(1, 0), 5_000);
    server.stopAccepting();
    await expect(RawPeer.connect(port)).rejects.toThrow(/ECONNREFUSED/);
    expect((await client.invoke(address, RemotingCommand.request(1, { text: 'on' }), 5_000)).field('text')).toBe('on');
  });

  it('a peer that does not read cannot hold it up', async () => {
    const { server, port } = await startServer();
    server.register(2, () => RemotingCommand.response(0, { body: Buffer.alloc(15_000_000) }));
    const peer = await RawPeer.connect(port);
    peer.socket.pause();
    peer.send(request(2, 1));
    await waitFor(() => server.bufferedBytes > 0, 'unsent bytes');
    await server.close({ graceMs: 50 });
    expect(server.connections.size).toBe(0);
  });
});
