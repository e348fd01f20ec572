import { ProtocolError } from '../errors.js';

/** What a {@link UniqKeyGenerator} takes from its process and clock. */
export interface UniqKeySource {
  /** Raw address of this host, 4 or 16 bytes. */
  ip: Buffer;
  pid: number;
  /** Any number that stays the same for the process (Java: the class loader's hash). */
  processHash: number;
  now(): number;
}

/**
 * Client message ids (property UNIQ_KEY): upper-case hex of ip (4 | 16), pid (2), process hash (4), milliseconds since
 * the start of the month in local time (4), counter (2). 32 or 56 digits. Tools read the time back, so the layout stays.
 *
 * Follows `common/message/MessageClientIDSetter.java`.
 */
export class UniqKeyGenerator {
  private readonly prefix: string;
  private readonly now: () => number;
  private monthStartMs = 0;
  private nextMonthStartMs = 0;
  private counter = 0;
  private lastMs = -1;
  private lastTimeHex = '';

  constructor(source: UniqKeySource) {
    if (source.ip.length !== 4 && source.ip.length !== 16) {
      throw new ProtocolError(
        'PROTOCOL_INVALID_ARGUMENT',
        `An address of ${source.ip.length} bytes is neither IPv4 nor IPv6`,
      );
    }
    this.prefix =
      source.ip.toString('hex').toUpperCase() + hex(source.pid & 0xffff, 4) + hex(source.processHash >>> 0, 8);
    this.now = () => source.now();
  }

  next(): string {
    const nowMs = this.now();
    if (nowMs !== this.lastMs) {
      if (nowMs >= this.nextMonthStartMs) this.startMonth(nowMs);
      // A clock set back a little reads as the start of the month rather than as a huge number.
      const sinceMs = Math.max(0, nowMs - this.monthStartMs);
      this.lastTimeHex = this.prefix + hex(sinceMs >>> 0, 8);
      this.lastMs = nowMs;
    }
    this.counter = (this.counter + 1) & 0xffff;
    return this.lastTimeHex + COUNTER_HEX[this.counter >> 8] + COUNTER_HEX[this.counter & 0xff];
  }

  private startMonth(nowMs: number): void {
    const date = new Date(nowMs);
    this.monthStartMs = new Date(date.getFullYear(), date.getMonth(), 1).getTime();
    this.nextMonthStartMs = new Date(date.getFullYear(), date.getMonth() + 1, 1).getTime();
  }
}

const COUNTER_HEX = Array.from({ length: 256 }, (_, byte) => hex(byte, 2));

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

/**
 * When a client id was made, by its own clock: the milliseconds of this month (the month before when that lies ahead).
 * @returns undefined when the text is no client id
 */
export function uniqKeyTimeMs(id: string, nowMs: number): number | undefined {
  if ((id.length !== 32 && id.length !== 56) || !/^[0-9A-Fa-f]+$/.test(id)) return undefined;
  const at = id.length - 12;
  const sinceMs = parseInt(id.substring(at, at + 8), 16);
  const date = new Date(nowMs);
  const thisMonth = new Date(date.getFullYear(), date.getMonth(), 1).getTime() + sinceMs;
  return thisMonth <= nowMs ? thisMonth : new Date(date.getFullYear(), date.getMonth() - 1, 1).getTime() + sinceMs;
}
