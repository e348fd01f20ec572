import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What a connection through the proxy suffers; asked for each new connection. */
export interface Faults {
  /** The connection breaks when so many bytes of the server have been passed on: in the middle of whatever that is. */
  readonly cutAfterBytes?: number;
  /** Bytes of the server come in pieces of at most so many bytes. */
  readonly pieceBytes?: number;
  /** ms that each piece of the server takes. */
  readonly delayMs?: number;
}

/** A TCP proxy on loopback that breaks, cuts up and delays what a server sends, or takes requests and passes nothing on. */
export class FaultyProxy {
  /** Pieces that clients sent while it was frozen. */
  receivedFrozen = 0;
  connections = 0;
  private frozen = false;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: { readonly host: string; readonly port: number },
    private readonly faults: () => Faults,
  ) {
    server.on('connection', (inner: Socket) => this.join(inner));
  }

  /** @param target `host:port` */
  static async start(target: string, faults: () => Faults = () => ({})): Promise<FaultyProxy> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const [host, port] = target.split(':');
    return new FaultyProxy(server, { host, port: Number(port) }, faults);
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** From now on it is half dead: accepts connections, takes what comes, and nothing comes back. */
  freeze(): void {
    this.frozen = true;
  }

  thaw(): void {
    this.frozen = false;
    // What was swallowed is missing in the middle of the streams.
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(inner: Socket): void {
    this.connections++;
    const outer = connect({ ...this.target, noDelay: true });
    for (const socket of [inner, outer]) {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.sockets.delete(socket));
    }
    inner.on('close', () => outer.destroy());
    outer.on('close', () => inner.destroy());
    inner.on('data', (bytes) => {
      if (this.frozen) this.receivedFrozen++;
      else outer.write(bytes);
    });
    this.passOn(outer, inner, this.faults());
  }

  private passOn(
    outer: Socket,
    inner: Socket,
    { cutAfterBytes = Infinity, pieceBytes = 65_536, delayMs = 0 }: Faults,
  ): void {
    let left = cutAfterBytes;
    const send = async (bytes: Buffer): Promise<void> => {
      for (let at = 0; at < bytes.length && !inner.destroyed; at += pieceBytes) {
        if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
        const piece = bytes.subarray(at, Math.min(bytes.length, at + pieceBytes, at + left));
        left -= piece.length;
        if (this.frozen) return;
        if (!inner.write(piece)) await new Promise((resolve) => inner.once('drain', resolve).once('close', resolve));
        if (left > 0) continue;
        // What was written goes out before the end.
        inner.destroySoon();
        return;
      }
    };
    outer.on('data', (bytes) => {
      outer.pause();
      void send(bytes).then(() => outer.resume());
    });
  }
}
