import { connect, createServer, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** What replication needs of a line: Node's `Socket`, or that of a simulator. */
export interface HaSocket extends Duplex {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  setNoDelay(noDelay?: boolean): unknown;
  /** Calls back when nothing happened on the line for so long; 0 ends that. */
  setTimeout(timeoutMs: number, callback?: () => void): unknown;
}

/** A port where slaves connect. */
export interface HaServer {
  readonly port: number;
  /** Takes no further lines; resolves once those that there were are closed. */
  close(): Promise<void>;
}

/** Lines between brokers, as an interface: a simulator cuts them where it likes. */
export interface HaNetwork {
  /** Opens a line; the socket tells of it with `connect`. */
  connect(host: string, port: number): HaSocket;
  /** Opens a port. Rejects with what the socket says (`EADDRINUSE`). */
  listen(
    host: string,
    port: number,
    accept: (socket: HaSocket) => void,
    failed: (error: Error) => void,
  ): Promise<HaServer>;
}

/** The network of the machine. */
export const nodeHaNetwork: HaNetwork = {
  connect: (host, port) => connect({ host, port, noDelay: true }),

  async listen(host, port, accept, failed) {
    const server = createServer({ noDelay: true }, accept);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        server.on('error', failed);
        resolve();
      });
    });
    return {
      port: (server.address() as AddressInfo).port,
      close: () => new Promise((resolve) => server.close(() => resolve())),
    };
  },
};
