import { connect, type Socket } from 'node:net';

/**
 * A RocketMQ peer written for the tests alone, so that what our own codec gets wrong doesn't hide itself: JSON headers, responses
 * matched by opaque.
 */
export interface RawResponse {
  code: number;
  remark: string | undefined;
  fields: Record<string, string>;
  body: Buffer;
}

export type RawFields = Record<string, string | number | boolean>;

interface Pending {
  resolve: (response: RawResponse) => void;
  reject: (error: Error) => void;
}

/** A whole frame, length included. `flag` 2 marks a oneway request. */
export function rawFrame(
  code: number,
  opaque: number,
  fields: RawFields,
  body: Buffer = Buffer.alloc(0),
  flag = 0,
): Buffer {
  const extFields = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
  const header = Buffer.from(JSON.stringify({ code, extFields, flag, language: 'JAVA', opaque, version: 479 }));
  const head = Buffer.alloc(8);
  head.writeInt32BE(4 + header.length + body.length, 0);
  head.writeInt32BE(header.length, 4);
  return Buffer.concat([head, header, body]);
}

interface RawHeader {
  code: number;
  flag: number;
  opaque: number;
  remark?: string;
  extFields?: Record<string, string>;
}

export class RawConnection {
  private readonly pending = new Map<number, Pending>();
  private received: Buffer = Buffer.alloc(0);
  private nextOpaque = 1;
  private closeReason: string | undefined;

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', (error) => this.end(error.message));
    socket.on('close', () => this.end('connection closed'));
  }

  static open(address: string): Promise<RawConnection> {
    const separator = address.lastIndexOf(':');
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: address.slice(0, separator),
        port: Number(address.slice(separator + 1)),
        noDelay: true,
      });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawConnection(socket));
      });
    });
  }

  get closed(): boolean {
    return this.closeReason !== undefined;
  }

  request(code: number, fields: RawFields, body?: Buffer): Promise<RawResponse> {
    return new Promise((resolve, reject) => {
      if (this.closeReason !== undefined) {
        reject(new Error(this.closeReason));
        return;
      }
      const opaque = this.nextOpaque++;
      this.pending.set(opaque, { resolve, reject });
      this.socket.write(rawFrame(code, opaque, fields, body));
    });
  }

  /** A request whose answer must be SUCCESS. */
  async call(code: number, fields: RawFields, body?: Buffer): Promise<RawResponse> {
    const response = await this.request(code, fields, body);
    if (response.code !== 0) throw new Error(`request ${code} was answered ${response.code}: ${response.remark ?? ''}`);
    return response;
  }

  close(): void {
    this.socket.destroy();
  }

  private end(reason: string): void {
    this.closeReason ??= reason;
    for (const waiting of this.pending.values()) waiting.reject(new Error(reason));
    this.pending.clear();
  }

  private take(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    let at = 0;
    while (this.received.length - at >= 4) {
      const length = this.received.readInt32BE(at);
      if (this.received.length - at - 4 < length) break;
      this.frame(this.received.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.received = this.received.subarray(at);
  }

  private frame(frame: Buffer): void {
    const headerLength = frame.readInt32BE(0) & 0xffffff;
    const header = JSON.parse(frame.toString('utf8', 4, 4 + headerLength)) as RawHeader;
    if ((header.flag & 1) === 0) return;
    const waiting = this.pending.get(header.opaque);
    this.pending.delete(header.opaque);
    waiting?.resolve({
      code: header.code,
      remark: header.remark,
      fields: header.extFields ?? {},
      body: frame.subarray(4 + headerLength),
    });
  }
}
