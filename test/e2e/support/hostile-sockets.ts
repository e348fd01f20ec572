import { connect, type Socket } from 'node:net';

/** A socket that remembers what became of it. */
export class HostileSocket {
  received = 0;
  private ended = false;
  private readonly end: Promise<void>;

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => (this.received += chunk.length));
    socket.on('error', () => undefined);
    this.end = new Promise((resolve) => {
      socket.on('close', () => {
        this.ended = true;
        resolve();
      });
    });
  }

  /** `paused`: never reads what comes. `halfOpen`: stays writable after the other side's end. */
  static open(address: string, options: { paused?: boolean } = {}): Promise<HostileSocket> {
    const [host, port] = address.split(':');
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
      const hostile = new HostileSocket(socket);
      if (options.paused === true) socket.pause();
      socket.once('error', reject);
      socket.once('connect', () => resolve(hostile));
    });
  }

  get closed(): boolean {
    return this.ended || this.socket.readableEnded;
  }

  write(bytes: Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Resolves when the other side closed the connection. */
  async waitForClose(): Promise<void> {
    await Promise.race([this.end, new Promise((resolve) => this.socket.once('end', resolve))]);
  }

  destroy(): void {
    this.socket.destroy();
  }
}
