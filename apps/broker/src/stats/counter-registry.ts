/** One figure of the broker as it is now. */
export interface Sample {
  readonly name: string;
  /** What is counted, in one sentence. */
  readonly help: string;
  /** A counter only grows while the process runs; a gauge is a state. */
  readonly kind: 'counter' | 'gauge';
  readonly value: number;
}

/** A figure that only grows. */
export class Counter {
  private count = 0;

  get value(): number {
    return this.count;
  }

  increment(by = 1): void {
    this.count += by;
  }
}

interface Entry {
  readonly help: string;
  readonly kind: Sample['kind'];
  read(): number;
}

/** Figures that parts of the broker keep, under names of their own; GET_BROKER_RUNTIME_INFO shows them all. */
export class CounterRegistry {
  private readonly entries = new Map<string, Entry>();

  /** @throws Error when the name is taken. */
  counter(name: string, help: string): Counter {
    const counter = new Counter();
    this.add(name, { help, kind: 'counter', read: () => counter.value });
    return counter;
  }

  /** @param read is called at each look. @throws Error when the name is taken. */
  gauge(name: string, help: string, read: () => number): void {
    this.add(name, { help, kind: 'gauge', read });
  }

  samples(): Sample[] {
    return [...this.entries].map(([name, { help, kind, read }]) => ({ name, help, kind, value: read() }));
  }

  private add(name: string, entry: Entry): void {
    if (this.entries.has(name)) throw new Error(`two figures are named ${name}`);
    this.entries.set(name, entry);
  }
}
