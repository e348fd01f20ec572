import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../../../support/child.js';
import type { TransactionMemberSettings } from './member-settings.js';

export interface ProducerFleetOptions extends Omit<TransactionMemberSettings, 'logFile' | 'first' | 'step'> {
  /** Gets a log for each place. */
  folder: string;
}

interface Place {
  readonly logFile: string;
  child: Child | undefined;
  done: boolean;
}

/** Producer processes that share the orders. Where one dies another takes its place and goes on behind the last order that was begun. */
export class ProducerFleet {
  deaths = 0;
  /** What ended otherwise than by SIGKILL. */
  readonly troubles: string[] = [];
  private readonly places: Place[];
  private stopping = false;

  constructor(
    private readonly program: string,
    count: number,
    private readonly options: ProducerFleetOptions,
  ) {
    this.places = Array.from({ length: count }, (_, index) => ({
      logFile: join(options.folder, `orders-${index}.log`),
      child: undefined,
      done: false,
    }));
  }

  start(): void {
    for (const index of this.places.keys()) this.launch(index);
  }

  /** True when each order was begun, and each producer that lives has ended its own. */
  get done(): boolean {
    return this.places.every(({ done }) => done);
  }

  /** The orders whose transaction was begun. */
  begun(): number[] {
    return this.places.flatMap(({ logFile }) => begunIn(logFile));
  }

  kill(index: number): void {
    void this.places[index].child?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.places.map(async ({ child }) => child?.stop()));
  }

  private launch(index: number): void {
    const place = this.places[index];
    const { folder: _, ...options } = this.options;
    const step = this.places.length;
    const last = begunIn(place.logFile).at(-1) ?? index - step;
    const settings: TransactionMemberSettings = { ...options, logFile: place.logFile, first: last + step, step };
    const child = new Child({
      name: `producer ${index}`,
      command: process.execPath,
      args: ['--enable-source-maps', this.program, JSON.stringify(settings)],
    });
    place.child = child;
    child.onLine((line) => (place.done ||= line === 'done'));
    void child.waitForExit().then((code) => {
      if (this.stopping) return;
      if (code !== null) this.troubles.push(`producer ${index} ended with ${code}:\n${child.tail()}`);
      this.deaths++;
      place.done = false;
      this.launch(index);
    });
  }
}

/** A process that was killed may leave half a line: that order was not begun. */
function begunIn(logFile: string): number[] {
  if (!existsSync(logFile)) return [];
  return readFileSync(logFile, 'utf8').split('\n').slice(0, -1).map(Number);
}
