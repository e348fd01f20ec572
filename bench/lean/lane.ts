import { connect, type Socket } from 'node:net';
import type { FrameTemplate } from './frames.js';

/**
 * One connection that keeps a number of requests in flight and counts answers. It looks at nothing of an answer but its length and its
 * code, so that the generator costs little beside the broker.
 */
export class Lane {
  private rest: Buffer = Buffer.alloc(0);
  private outstanding = 0;
  private opaque = 0;
  answered = 0;
  refused = 0;

  private constructor(
    private readonly socket: Socket,
    private readonly nextFrame: () => FrameTemplate | undefined,
    private readonly onAnswer: (bytes: number) => void,
    private readonly inFlight: number,
  ) {
    socket.on('data', (chunk: Buffer) => this.take(chunk));
  }

  /** `nextFrame` gives undefined when there is nothing left to send. */
  static open(
    address: string,
    inFlight: number,
    nextFrame: () => FrameTemplate | undefined,
    onAnswer: (bytes: number) => void,
  ): Promise<Lane> {
    const [host, port] = address.split(':');
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port: Number(port), noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new Lane(socket, nextFrame, onAnswer, inFlight)));
    });
  }

  /** Fills up what is in flight, in one write. */
  fill(): void {
    const frames: { template: FrameTemplate; opaque: number }[] = [];
    let bytes = 0;
    while (this.outstanding < this.inFlight) {
      const template = this.nextFrame();
      if (template === undefined) break;
      frames.push({ template, opaque: this.opaque++ });
      bytes += template.bytes.length;
      this.outstanding++;
    }
    if (frames.length === 0) return;
    const out = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (const { template, opaque } of frames) {
      template.bytes.copy(out, at);
      template.patchOpaque(out, at, opaque);
      at += template.bytes.length;
    }
    this.socket.write(out);
  }

  close(): void {
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 4) {
      const end = at + 4 + bytes.readInt32BE(at);
      if (end > bytes.length) break;
      if (codeOf(bytes, at) !== 0) this.refused++;
      this.answered++;
      this.outstanding--;
      this.onAnswer(end - at);
      at = end;
    }
    this.rest = bytes.subarray(at);
    this.fill();
  }
}

const CODE_KEY = Buffer.from('"code":');

function codeOf(bytes: Buffer, at: number): number {
  if (bytes[at + 4] === 1) return bytes.readInt16BE(at + 8);
  const position = bytes.indexOf(CODE_KEY, at + 8);
  return Number.parseInt(bytes.toString('latin1', position + CODE_KEY.length, position + CODE_KEY.length + 6), 10);
}
