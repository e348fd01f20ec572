/** The part of `process` that is needed here; a test gives its own. */
export interface SignalSource {
  readonly pid: number;
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  removeListener(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  listeners(signal: NodeJS.Signals): unknown[];
  kill(pid: number, signal: NodeJS.Signals): unknown;
}

/** Listeners of this package, over all watches of the process: they don't count as someone who handles the signal. */
const own = new WeakSet<object>();

/**
 * Calls `onSignal` the moment a signal comes, before Nest runs its shutdown hooks one after another. It changes nothing about what
 * else the signal does: where nobody else listens (no `enableShutdownHooks()`), the process ends by it as it would without us.
 */
export class SignalWatch {
  private readonly listener: (signal: NodeJS.Signals) => void;

  constructor(
    private readonly signals: readonly NodeJS.Signals[],
    onSignal: (signal: NodeJS.Signals) => void,
    private readonly source: SignalSource = process,
  ) {
    this.listener = (signal) => {
      onSignal(signal);
      const someoneElse = source.listeners(signal).some((listener) => !own.has(listener as object));
      if (someoneElse) return;
      source.removeListener(signal, this.listener);
      // The last of our listeners to be called lets the signal do its default work.
      if (source.listeners(signal).length === 0) source.kill(source.pid, signal);
    };
    own.add(this.listener);
  }

  start(): void {
    for (const signal of this.signals) this.source.on(signal, this.listener);
  }

  stop(): void {
    for (const signal of this.signals) this.source.removeListener(signal, this.listener);
  }
}
