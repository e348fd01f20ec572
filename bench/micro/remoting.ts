/**
 * CPU cost of a request and its response in the remoting room, for the server and for the client, each in a process of
 * its own:
 *
 *   npx rolldown bench/micro/remoting.ts --platform node --format esm --tsconfig tsconfig.json -d dist/bench-remoting
 *   node dist/bench-remoting/remoting.js [server|client|both] [requests] [in flight] [body bytes] [connections] [json|binary]
 *
 * `server`: a generator that only counts bytes drives a RemotingServer. `client`: a RemotingClient with encoded frames drives it.
 */
import { fork } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { encodeFrame, RemotingCommand, SerializeType } from '@rocknest/protocol';
import { nextOpaque, RemotingClient, RemotingServer } from '@rocknest/remoting';

const [mode = 'both', requestsText, inFlightText, bodyText, connectionsText, form = 'binary'] = process.argv.slice(2);
const requests = Number(requestsText ?? 1_000_000);
const inFlight = Number(inFlightText ?? 256);
const bodyBytes = Number(bodyText ?? 128);
const connections = Number(connectionsText ?? 4);
const CODE = 310;
/** Requests before the measurement, so that the engine has optimised what it will. */
const WARM_UP_SHARE = 0.2;

function requestFrame(): Buffer {
  const command = RemotingCommand.request(CODE, {
    a: 'producer-group',
    b: 'TopicOfTheBench',
    e: 3,
    g: 1_790_000_000_000,
  });
  command.body = Buffer.alloc(bodyBytes, 'x');
  command.serializeType = form === 'json' ? SerializeType.JSON : SerializeType.ROCKETMQ;
  return Buffer.concat(encodeFrame(command));
}

/** A response as a template makes it: one copy with the opaque patched in. */
function responseTemplate(): Buffer {
  const response = RemotingCommand.response(0, { fields: { msgId: 'A'.repeat(32), queueId: 3, queueOffset: 123_456 } });
  response.serializeType = SerializeType.ROCKETMQ;
  return encodeFrame(response)[0];
}
/** Length, mark, code, language and version stand before the opaque of a compact header. */
const COMPACT_OPAQUE_OFFSET = 13;

async function serve(): Promise<void> {
  const server = new RemotingServer({ maxInFlightPerConnection: 100_000 });
  const template = responseTemplate();
  let slab = Buffer.allocUnsafe(0);
  let used = 0;
  server.register(CODE, (request, connection) => {
    if (used + template.length > slab.length) {
      slab = Buffer.allocUnsafeSlow(64 * 1024);
      used = 0;
    }
    const reply = slab.subarray(used, (used += template.length));
    reply.set(template);
    reply.writeInt32BE(request.opaque, COMPACT_OPAQUE_OFFSET);
    connection.respondEncoded(request, reply);
  });
  const { port } = await server.listen();
  process.on('message', () => process.send?.({ cpu: process.cpuUsage(), memory: process.memoryUsage().rss }));
  process.on('disconnect', () => process.exit(0));
  process.send?.({ port });
}

interface ServerProcess {
  port: number;
  cpuMicros(): Promise<number>;
  stop(): void;
}

async function startServer(): Promise<ServerProcess> {
  const child = fork(fileURLToPath(import.meta.url), ['serve', ...process.argv.slice(3)], {
    execArgv: process.env['SERVER_ARGS']?.split(' ') ?? [],
  });
  const next = <T>(): Promise<T> => new Promise((resolve) => child.once('message', (message) => resolve(message as T)));
  const { port } = await next<{ port: number }>();
  return {
    port,
    async cpuMicros() {
      child.send('cpu');
      const { cpu } = await next<{ cpu: NodeJS.CpuUsage }>();
      return cpu.user + cpu.system;
    },
    stop: () => child.disconnect(),
  };
}

/** Drives a server over raw sockets with ready-made frames. */
async function generate(port: number, count: number): Promise<void> {
  const frame = requestFrame();
  const window = Math.ceil(inFlight / connections);
  const batch = Buffer.concat(Array.from({ length: window }, () => frame));
  const replyBytes = responseTemplate().length;
  const each = Math.ceil(count / connections);
  await Promise.all(
    Array.from({ length: connections }, () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let sent = Math.min(window, each);
      let bytes = 0;
      let received = 0;
      return new Promise<void>((resolve) => {
        socket.on('data', (chunk) => {
          bytes += chunk.length;
          const complete = Math.floor(bytes / replyBytes);
          const more = Math.min(complete - received, each - sent);
          received = complete;
          if (more > 0) {
            sent += more;
            socket.write(batch.subarray(0, more * frame.length));
          }
          if (received >= each) {
            socket.destroy();
            resolve();
          }
        });
        socket.write(batch.subarray(0, sent * frame.length));
      });
    }),
  );
}

/** Sends with a RemotingClient, frames encoded by copying a template and patching its opaque. */
async function invoke(clients: RemotingClient[], address: string, count: number): Promise<void> {
  const frame = requestFrame();
  const head = frame.subarray(0, frame.length - bodyBytes);
  const body = frame.subarray(frame.length - bodyBytes);
  const compact = form !== 'json';
  await new Promise<void>((resolve, reject) => {
    let sent = 0;
    let done = 0;
    const send = (client: RemotingClient): void => {
      sent++;
      const opaque = compact ? nextOpaque() : 0;
      const own = Buffer.allocUnsafe(head.length);
      own.set(head);
      own.writeInt32BE(opaque, COMPACT_OPAQUE_OFFSET);
      client.invokeEncoded(address, opaque, [own, body], 3_000, (error) => {
        if (error !== undefined) reject(error);
        if (++done === count) resolve();
        else if (sent < count) send(client);
      });
    };
    for (let i = 0; i < Math.min(inFlight, count); i++) send(clients[i % clients.length]);
  });
}

async function measure(what: 'server' | 'client', run: (port: number, count: number) => Promise<void>): Promise<void> {
  const server = await startServer();
  await run(server.port, requests * WARM_UP_SHARE);
  const cpuBefore = process.cpuUsage();
  const serverBefore = await server.cpuMicros();
  const startedMs = performance.now();
  await run(server.port, requests);
  const seconds = (performance.now() - startedMs) / 1000;
  const own = process.cpuUsage(cpuBefore);
  const serverMicros = (await server.cpuMicros()) - serverBefore;
  const driver = what === 'server' ? 'generator' : 'client';
  console.log(
    `${what}: ${requests} requests of ${bodyBytes} B (${form}), ${inFlight} in flight, ${connections} connections: ` +
      `${Math.round(requests / seconds)}/s, server ${(serverMicros / requests).toFixed(2)} us, ` +
      `${driver} ${((own.user + own.system) / requests).toFixed(2)} us of CPU each`,
  );
  server.stop();
}

if (mode === 'serve') {
  await serve();
} else {
  if (mode !== 'client') await measure('server', generate);
  if (mode !== 'server') {
    const clients = Array.from({ length: connections }, () => new RemotingClient());
    await measure('client', (port, count) => invoke(clients, `127.0.0.1:${port}`, count));
    await Promise.all(clients.map((client) => client.close()));
  }
}
