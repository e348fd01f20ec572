import { connect, type Socket } from 'node:net';
import { decodeFrame, encodeFrame, RemotingCommand } from '@rocknest/protocol';
import { afterEach } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import {
  type Connection,
  RemotingClient,
  type RemotingClientOptions,
  type RemotingLogger,
  RemotingServer,
  type RemotingServerOptions,
} from '../index.js';
import { FrameDecoder } from '../net/frame-decoder.js';

/** For specs: servers, clients and raw sockets that are closed after each test. */

const toClose: (() => unknown)[] = [];

/** To be called once by each spec file. */
export function closeAfterEach(): void {
  afterEach(async () => {
    await Promise.all(toClose.splice(0).map((close) => close()));
  });
}

export interface StartedServer {
  server: RemotingServer;
  address: string;
  port: number;
  /** The only connection, once there is one. */
  connection(): Promise<Connection>;
}

/** A server whose code 1 echoes body and field `text`, and which closes without grace. */
export async function startServer(options: RemotingServerOptions = {}): Promise<StartedServer> {
  const server = new RemotingServer({ closeGraceMs: 0, ...options });
  server.register(1, (request) =>
    RemotingCommand.response(0, { body: request.bodyBuffer, fields: { text: request.field('text') } }),
  );
  toClose.push(() => server.close());
  const { port } = await server.listen();
  const connection = (): Promise<Connection> => waitFor(() => [...server.connections][0], 'a connection');
  return { server, address: `127.0.0.1:${port}`, port, connection };
}

export function newClient(options: RemotingClientOptions = {}): RemotingClient {
  const client = new RemotingClient(options);
  toClose.push(() => client.close());
  return client;
}

export class RecordingLogger implements RemotingLogger {
  readonly lines: string[] = [];

  debug(): void {}

  log(message: string): void {
    this.lines.push(message);
  }

  warn(message: string): void {
    this.lines.push(message);
  }

  error(message: string): void {
    this.lines.push(message);
  }
}

/** A peer that does exactly what a test says. */
export class RawPeer {
  readonly responses: RemotingCommand[] = [];
  closed = false;
  /** Something came that is no frame; like Netty's decoder, the peer closes then. */
  brokenOff = false;
  /** Chunks that came; several responses in one of them left the server in one write, most likely. */
  chunks = 0;

  private constructor(readonly socket: Socket) {}

  static async connect(port: number): Promise<RawPeer> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const peer = new RawPeer(socket);
    const decoder = new FrameDecoder(16_777_216);
    socket.on('data', (chunk) => {
      peer.chunks++;
      decoder.push(chunk);
      try {
        for (let frame = decoder.next(); frame !== undefined; frame = decoder.next())
          peer.responses.push(decodeFrame(frame));
      } catch {
        peer.brokenOff = true;
        socket.destroy();
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => (peer.closed = true));
    toClose.push(() => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return peer;
  }

  send(...commands: RemotingCommand[]): void {
    this.socket.write(Buffer.concat(commands.flatMap((command) => encodeFrame(command))));
  }

  sendBytes(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  async response(index = 0): Promise<RemotingCommand> {
    return waitFor(() => this.responses[index], `response ${index}`);
  }

  async untilClosed(): Promise<void> {
    await waitFor(() => this.closed, 'the connection to be closed');
  }
}

/** A request with an opaque of its own. */
export function request(
  code: number,
  opaque: number,
  options: { text?: string; body?: Buffer; version?: number; language?: string } = {},
): RemotingCommand {
  const command = RemotingCommand.request(code, { text: options.text }, options.body);
  command.opaque = opaque;
  if (options.version !== undefined) command.version = options.version;
  if (options.language !== undefined) command.language = options.language;
  return command;
}

/** Something that a test decides when to finish. */
export function deferred<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: Error): void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}
