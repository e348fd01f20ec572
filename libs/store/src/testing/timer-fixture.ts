import { tagsCodeOf, TIMER_TOPIC } from '@rocknest/protocol';
import { SystemClock } from '../io/clock.js';
import type { MessageStore } from '../message-store.js';
import { TimerMessageStore } from '../timer/timer-message-store.js';
import type { TimerOptions } from '../timer/timer-options.js';
import type { TimerRole } from '../timer/timer-run.js';
import type { PutResult } from '../types.js';
import { CollectingLogger, crashCopy, put, readQueue, smallStore, tempFolder } from './store-fixture.js';

/** A clock that is ahead of the machine's by as much as a test says. */
class ShiftedClock extends SystemClock {
  aheadMs = 0;

  override nowMs(): number {
    return Date.now() + this.aheadMs;
  }
}

export interface OpenedTimer {
  readonly store: MessageStore;
  readonly timer: TimerMessageStore;
  readonly logger: CollectingLogger;
  close(): Promise<void>;
}

/** A folder, a clock, and the timers opened on them; messages go to queue 3 of the topic `Later`. */
export class TimerBench {
  readonly clock = new ShiftedClock();
  private readonly folder = tempFolder();
  private readonly copies: { path: string; remove(): void }[] = [];
  private readonly stops: (() => Promise<void>)[] = [];

  get path(): string {
    return this.folder.path;
  }

  async open(
    options: Partial<TimerOptions> = {},
    rootPath = this.path,
    role: TimerRole = 'master',
  ): Promise<OpenedTimer> {
    const logger = new CollectingLogger();
    const store = smallStore(rootPath, { segmentSizeBytes: 1024 * 1024, logger });
    await store.open();
    const timer = new TimerMessageStore(store, {
      rootPath,
      clock: this.clock,
      logger,
      logFileSizeBytes: 4_096,
      flushIntervalMs: 20,
      ...options,
    });
    store.onArrival((topic) => {
      if (topic === TIMER_TOPIC) timer.onArrival();
    });
    await timer.start(role);
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => (closed ??= timer.stop().then(() => store.close()));
    this.stops.push(close);
    return { store, timer, logger, close };
  }

  /** Puts a message as the broker does once it has seen that it is for later. */
  putTimer(
    store: MessageStore,
    body: string,
    deliverMs: number,
    fields: Record<string, string> = {},
  ): Promise<PutResult> {
    const properties = Object.entries({
      UNIQ_KEY: body,
      TAGS: 'T',
      TIMER_DELIVER_MS: deliverMs,
      TIMER_OUT_MS: deliverMs - 1,
      REAL_TOPIC: 'Later',
      REAL_QID: 3,
      ...fields,
    });
    return put(store, {
      topic: TIMER_TOPIC,
      body: Buffer.from(body),
      tagsCode: tagsCodeOf('T'),
      properties: properties.map(([name, value]) => `${name}\u0001${value}\u0002`).join(''),
    });
  }

  async delivered(store: MessageStore): Promise<string[]> {
    return (await readQueue(store, 'Later', 3)).map(({ body }) => body.toString());
  }

  /** The folder as a killed process leaves it. @returns the path of the copy. */
  crashCopy(): string {
    const copy = crashCopy(this.path);
    this.copies.push(copy);
    return copy.path;
  }

  async end(): Promise<void> {
    for (const stop of this.stops.reverse()) await stop();
    for (const copy of this.copies) copy.remove();
    this.folder.remove();
  }
}
