import { openSync, readFileSync, writeSync } from 'node:fs';

/** One call of a handler, as the member that made it wrote it down. */
export interface Handling {
  member: string;
  queueId: number;
  /** Queue offset of the message. */
  offset: number;
  /** Number that its producer gave it: 0, 1, 2, ... for each queue. */
  number: number;
  /** Time of the machine's monotonic clock, the same for all processes, ns. */
  beginNs: number;
  /** Undefined: the member was killed while the handler ran. */
  endNs: number | undefined;
  /** False: the handler failed, and the message has to come again. */
  ok: boolean;
}

/**
 * Writes handlings to a file, each beginning and each end with one call of write(): what was written stays when the process is killed, and nothing
 * is handled that was not written down before.
 */
export class HandlingLog {
  private readonly file: number;

  constructor(path: string) {
    this.file = openSync(path, 'a');
  }

  begins(queueId: number, offset: number, number: number): void {
    writeSync(this.file, `B ${process.hrtime.bigint()} ${queueId} ${offset} ${number}\n`);
  }

  ends(queueId: number, offset: number, ok: boolean): void {
    writeSync(this.file, `E ${process.hrtime.bigint()} ${queueId} ${offset} ${ok ? 1 : 0}\n`);
  }
}

/** The handlings of one member in the order of their beginnings. A last line that the kill cut off is left out. */
export function readHandlings(path: string, member: string): Handling[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  lines.pop();
  const open = new Map<string, Handling>();
  const handlings: Handling[] = [];
  for (const line of lines) {
    const [kind, timeNs, queueId, offset, last] = line.split(' ');
    const key = `${queueId} ${offset}`;
    if (kind === 'B') {
      if (open.has(key)) throw new Error(`${path}: ${line}: this handling began before and has not ended`);
      const handling: Handling = {
        member,
        queueId: Number(queueId),
        offset: Number(offset),
        number: Number(last),
        beginNs: Number(timeNs),
        endNs: undefined,
        ok: false,
      };
      open.set(key, handling);
      handlings.push(handling);
    } else {
      const handling = open.get(key);
      if (handling === undefined) throw new Error(`${path}: ${line}: this handling never began`);
      open.delete(key);
      handling.endNs = Number(timeNs);
      handling.ok = last === '1';
    }
  }
  return handlings;
}
