import { encodeFastjson, parseFastjson, ProtocolError } from '@rocknest/protocol';
import type { FileSystem } from '../io/file-system.js';
import { readSmallFile, writeFullySync } from '../io/transfer.js';

/** 50,000 topics with long names have some 10 MB. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/**
 * How many messages wait for each topic: the file `config/timermetrics`, and the answer to GET_TIMER_METRICS. A crash may leave the numbers of the last
 * seconds out; nothing depends on them. Follows `store/timer/TimerMetrics.java`.
 */
export class TimerMetrics {
  private readonly counts = new Map<string, { count: number; timeStamp: number }>();
  private readonly version = { stateVersion: 0, timestamp: 0, counter: 0 };
  private isDirty = false;

  constructor(
    private readonly path: string,
    private readonly fileSystem: FileSystem,
  ) {}

  load(): void {
    const bytes = readSmallFile(this.fileSystem, this.path, MAX_FILE_BYTES);
    if (bytes === undefined || bytes.length === 0) return;
    try {
      this.take(bytes);
    } catch (error) {
      // Figures for people: they grow true again with the messages that come.
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  /** Takes the numbers of a master over. */
  replace(body: Buffer): void {
    this.clear();
    this.take(body);
  }

  /** Counts anew. */
  clear(): void {
    this.counts.clear();
    this.isDirty = true;
  }

  private take(bytes: Buffer): void {
    const counts = fieldsOf(fieldsOf(parseFastjson(bytes)).timingCount);
    for (const [topic, entry] of Object.entries(counts)) {
      const { count, timeStamp } = fieldsOf(entry);
      const number = Number(typeof count === 'object' ? fieldsOf(count).value : count);
      if (Number.isSafeInteger(number)) this.counts.set(topic, { count: number, timeStamp: Number(timeStamp) || 0 });
    }
  }

  countOf(topic: string): number {
    return this.counts.get(topic)?.count ?? 0;
  }

  add(topic: string, change: number, nowMs: number): void {
    let entry = this.counts.get(topic);
    if (entry === undefined) {
      entry = { count: 0, timeStamp: nowMs };
      this.counts.set(topic, entry);
    }
    entry.count += change;
    entry.timeStamp = nowMs;
    this.version.timestamp = nowMs;
    this.version.counter++;
    this.isDirty = true;
  }

  /** For a topic that was deleted. */
  remove(topic: string): void {
    if (this.counts.delete(topic)) this.isDirty = true;
  }

  /** The JSON that RocketMQ keeps and answers. */
  encode(): Buffer {
    return encodeFastjson({ dataVersion: { ...this.version }, timingCount: Object.fromEntries(this.counts) });
  }

  save(): void {
    if (!this.isDirty) return;
    const part = `${this.path}.tmp`;
    const file = this.fileSystem.open(part, { create: true });
    try {
      const bytes = this.encode();
      file.truncate(0);
      writeFullySync(file, bytes, 0, bytes.length, 0);
    } finally {
      file.close();
    }
    this.fileSystem.rename(part, this.path);
    this.isDirty = false;
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
