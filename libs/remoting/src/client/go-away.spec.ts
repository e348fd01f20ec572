import { encodeFrame, RemotingCommand, ResponseCode } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { DEFERRED, nextOpaque } from '../index.js';
import { closeAfterEach, deferred, newClient, startServer } from '../spec-support/endpoints.js';

closeAfterEach();

const goAway = (): RemotingCommand => RemotingCommand.response(ResponseCode.GO_AWAY, { remark: 'please go away' });

describe('GO_AWAY', () => {
  it('the request is sent again over a new connection, with an opaque of its own', async () => {
    const { server, address } = await startServer();
    const opaques: number[] = [];
    const connections = new Set<number>();
    server.register(2, (request, connection) => {
      opaques.push(request.opaque);
      connections.add(connection.id);
      return opaques.length === 1 ? goAway() : RemotingCommand.response(0, { fields: { text: request.field('text') } });
    });
    const closed: string[] = [];
    const client = newClient({ onConnectionClose: (_address, _connection, reason) => closed.push(reason) });
    const response = await client.invoke(address, RemotingCommand.request(2, { text: 'kept' }), 5_000);
    expect([response.code, response.field('text')]).toEqual([0, 'kept']);
    expect(new Set(opaques).size).toBe(2);
    expect(connections.size).toBe(2);
    expect(closed).toEqual(['the peer is shutting down']);
    expect(client.connections().size).toBe(1);
  });

  it('other requests of the old connection still get their answers', async () => {
    const { server, address } = await startServer();
    const gate = deferred<void>();
    let goneAway = 0;
    server.register(2, async () => {
      await gate.promise;
      return RemotingCommand.response(0, { remark: 'slow' });
    });
    server.register(3, () => (goneAway++ === 0 ? goAway() : RemotingCommand.response(0)));
    const client = newClient();
    const slow = client.invoke(address, RemotingCommand.request(2), 10_000);
    await client.invoke(address, RemotingCommand.request(3), 5_000);
    expect(server.connections.size).toBe(2);
    gate.resolve();
    expect((await slow).remark).toBe('slow');
    await waitFor(() => server.connections.size === 1, 'the old connection to close');
  });

  it('twice is an error', async () => {
    const { server, address } = await startServer();
    server.register(2, () => goAway());
    await expect(newClient().invoke(address, RemotingCommand.request(2), 5_000)).rejects.toMatchObject({
      code: 'REMOTING_SEND',
      message: expect.stringContaining('GO_AWAY twice'),
    });
  });

  it('a caller that encodes by itself gets the answer as it is', async () => {
    const { server, address } = await startServer();
    server.register(2, () => goAway());
    const client = newClient();
    const command = RemotingCommand.request(2);
    command.opaque = nextOpaque();
    const answer = deferred<RemotingCommand | undefined>();
    client.invokeEncoded(address, command.opaque, encodeFrame(command), 5_000, (_error, response) =>
      answer.resolve(response),
    );
    expect((await answer.promise)?.code).toBe(ResponseCode.GO_AWAY);
    await waitFor(() => !client.isConnected(address), 'the connection to be given up');
  });

  it('a server that shuts down hands its clients over to the next one on the address', async () => {
    const first = await startServer();
    first.server.register(2, () => DEFERRED);
    const client = newClient();
    const held = client.invoke(first.address, RemotingCommand.request(2), 10_000);
    const heldFailed = expect(held).rejects.toMatchObject({ code: 'REMOTING_SEND' });
    await waitFor(() => first.server.inFlightRequests === 1, 'a request that holds the first server');
    const closing = first.server.close({ graceMs: 5_000 });
    const second = await startServer({ port: first.port });
    const response = await client.invoke(first.address, RemotingCommand.request(1, { text: 'moved' }), 5_000);
    expect(response.field('text')).toBe('moved');
    expect(second.server.connections.size).toBe(1);
    for (const connection of first.server.connections) connection.close('test is over');
    await heldFailed;
    await closing;
  });
});
