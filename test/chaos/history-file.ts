import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { parseEvent, type ClientEvent } from './history.js';

const READ_BYTES = 1024 * 1024;

/** Reads a history while it is written. */
export class HistoryFile {
  readonly events: ClientEvent[] = [];
  private position = 0;
  private rest = '';

  constructor(private readonly path: string) {}

  /** Takes in what came since the last time. @returns all events so far. */
  read(): ClientEvent[] {
    if (!existsSync(this.path)) return this.events;
    const file = openSync(this.path, 'r');
    try {
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      for (;;) {
        const length = readSync(file, buffer, 0, READ_BYTES, this.position);
        if (length === 0) return this.events;
        this.position += length;
        const lines = (this.rest + buffer.toString('latin1', 0, length)).split('\n');
        this.rest = lines.pop() ?? '';
        for (const line of lines) this.events.push(parseEvent(line));
      }
    } finally {
      closeSync(file);
    }
  }
}
