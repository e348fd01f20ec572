import { Duplex } from 'node:stream';
import type { HaNetwork, HaServer, HaSocket } from '../../../apps/broker/src/replication/ha-network.js';
import type { SimProcess } from '../../../libs/store/src/simulation/sim-host.js';
import type { SimRandom } from '../../../libs/store/src/simulation/sim-random.js';
import type { SimWorld } from '../../../libs/store/src/simulation/sim-world.js';

const HA_PORT = 10_912;

/** Bytes that one end wrote and the other does not have yet. They are looked at when they arrive, as a kernel that has not copied them would. */
interface InFlight {
  readonly chunks: readonly Buffer[];
  readonly done: () => void;
}

/** One end of a line, in one process. */
class SimSocket extends Duplex implements HaSocket {
  readonly remotePort = HA_PORT;
  line: SimLine | undefined;
  inFlight: InFlight | undefined;

  constructor(
    readonly process: SimProcess,
    readonly remoteAddress: string,
    private readonly network: SimNetwork,
  ) {
    super({ emitClose: true });
  }

  setNoDelay(): void {}
  setTimeout(): void {}

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.send([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.send(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    this.line?.cut(this.network.world.random);
    done();
  }

  private send(chunks: readonly Buffer[], done: () => void): void {
    const { world } = this.network;
    this.inFlight = { chunks, done };
    world.schedule(this.network.latencyMs(), () => {
      const { inFlight, line } = this;
      if (inFlight === undefined || line === undefined) return;
      this.inFlight = undefined;
      line.deliver(this, Buffer.concat(inFlight.chunks), world.random);
      if (this.process.isAlive) inFlight.done();
    });
  }
}

/** A line between two processes: bytes arrive in pieces of any size, and it may break behind any of them. */
class SimLine {
  /** It breaks when so many more bytes have arrived. */
  bytesLeft = Number.POSITIVE_INFINITY;
  private isCut = false;

  constructor(
    readonly slave: SimSocket,
    readonly master: SimSocket,
    private readonly network: SimNetwork,
  ) {
    slave.line = master.line = this;
  }

  deliver(from: SimSocket, bytes: Buffer, random: SimRandom): void {
    if (this.isCut) return;
    const to = from === this.slave ? this.master : this.slave;
    const length = Math.min(bytes.length, this.bytesLeft);
    this.bytesLeft -= length;
    for (let at = 0; at < length && to.process.isAlive;) {
      const piece = random.chance(0.5) ? length - at : random.between(1, length - at);
      to.push(bytes.subarray(at, at + piece));
      at += piece;
    }
    this.network.deliveredBytes += length;
    if (this.bytesLeft === 0) this.cut(random);
  }

  /** Of what is under way, any beginning still arrives; then both ends hear that the line is gone. */
  cut(random: SimRandom): void {
    if (this.isCut) return;
    for (const socket of [this.slave, this.master]) {
      const { inFlight } = socket;
      socket.inFlight = undefined;
      if (inFlight === undefined) continue;
      const bytes = Buffer.concat(inFlight.chunks);
      this.bytesLeft = Number.POSITIVE_INFINITY;
      this.deliver(socket, bytes.subarray(0, random.between(0, bytes.length)), random);
    }
    this.isCut = true;
    this.network.lines.delete(this);
    this.network.cuts++;
    for (const socket of [this.slave, this.master]) {
      this.network.world.schedule(this.network.latencyMs(), () => {
        if (socket.process.isAlive) socket.destroy();
      });
    }
  }
}

/** The lines of a world of brokers. */
export class SimNetwork {
  readonly lines = new Set<SimLine>();
  cuts = 0;
  deliveredBytes = 0;
  private readonly ports = new Map<string, { process: SimProcess; accept: (socket: HaSocket) => void }>();

  constructor(readonly world: SimWorld) {}

  latencyMs(): number {
    return 0.05 + this.world.random.float() * 0.4;
  }

  /** The network as one process has it. */
  of(process: SimProcess): HaNetwork {
    return {
      connect: (host) => {
        const socket = new SimSocket(process, host, this);
        this.world.schedule(this.latencyMs(), () => {
          this.connect(socket, host);
        });
        return socket;
      },
      listen: (host, _port, accept): Promise<HaServer> => {
        this.ports.set(host, { process, accept });
        return Promise.resolve({ port: HA_PORT, close: () => Promise.resolve(void this.ports.delete(host)) });
      },
    };
  }

  /** Lines of processes that died are gone. */
  noticeDeaths(): void {
    for (const line of [...this.lines]) {
      if (!line.slave.process.isAlive || !line.master.process.isAlive) line.cut(this.world.random);
    }
  }

  /** The lines to a host break when so many more bytes have arrived. */
  cutLine(host: string, afterBytes: number): void {
    for (const line of [...this.lines]) {
      if (line.slave.process.host.name !== host) continue;
      if (afterBytes === 0) line.cut(this.world.random);
      else line.bytesLeft = afterBytes;
    }
  }

  private connect(slave: SimSocket, host: string): void {
    if (!slave.process.isAlive || slave.destroyed) return;
    const port = this.ports.get(host);
    if (port?.process.isAlive !== true) {
      slave.destroy(new Error('ECONNREFUSED'));
      return;
    }
    const master = new SimSocket(port.process, slave.process.host.name, this);
    this.lines.add(new SimLine(slave, master, this));
    port.accept(master);
    this.world.schedule(this.latencyMs(), () => {
      if (slave.process.isAlive && !slave.destroyed) slave.emit('connect');
    });
  }
}
