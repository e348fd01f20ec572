import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Where a line breaks. */
export interface Cuts {
  /** After so many bytes of the master. */
  readonly fromMaster: number;
  /** After so many bytes of the slave. */
  readonly fromSlave: number;
  /** Bytes of the master come in pieces of at most so many. */
  readonly pieceBytes: number;
}

/** Carries one connection from a slave to its master, and breaks it after so many bytes of either of them, wherever in a frame that is. */
export class CutLine {
  isCut = false;
  private readonly sockets: Socket[] = [];

  private constructor(
    private readonly server: Server,
    private readonly target: { readonly host: string; readonly port: number },
    private readonly cuts: Cuts,
  ) {
    server.on('connection', (slave: Socket) => this.join(slave));
  }

  /** @param target `host:port` of the master */
  static async open(target: string, cuts: Cuts): Promise<CutLine> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const [host, port] = target.split(':');
    return new CutLine(server, { host, port: Number(port) }, cuts);
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private join(slave: Socket): void {
    if (this.sockets.length > 0) {
      slave.destroy();
      return;
    }
    const master = connect({ ...this.target, noDelay: true });
    this.sockets.push(slave, master);
    for (const socket of this.sockets) {
      socket.on('error', () => this.cut());
      socket.on('close', () => this.cut());
    }
    const { fromMaster, fromSlave, pieceBytes } = this.cuts;
    this.carry(slave, master, fromSlave, Infinity);
    this.carry(master, slave, fromMaster, pieceBytes);
  }

  private carry(from: Socket, to: Socket, maxBytes: number, pieceBytes: number): void {
    let left = maxBytes;
    from.on('data', (bytes) => {
      if (this.isCut || left === 0) return;
      const kept = bytes.subarray(0, left);
      left -= kept.length;
      for (let at = 0; at < kept.length; at += pieceBytes) to.write(kept.subarray(at, at + pieceBytes));
      // What was carried arrives; nothing behind it does.
      if (left === 0) to.end(() => this.cut());
    });
  }

  private cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }
}
