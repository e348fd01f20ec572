import { performance } from 'node:perf_hooks';

const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];

/** What shells report for a process that a second Ctrl-C ended. */
const EXIT_CODE_INTERRUPTED = 130;

/**
 * Signals within this time of the first one are the same one, in milliseconds: at a Ctrl-C the terminal signals every process of
 * `npm start`, and `nest start` passes its own signal on to the application, which so gets two.
 */
const SAME_SIGNAL_MS = 1_000;

/** Where a program says that it stops. Nest's `Logger` fits. */
export interface StopLogger {
  log(message: string): void;
  error(message: string): void;
}

/** What a test puts in the place of the process. */
export interface SignalledProcess {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): unknown;
  nowMs(): number;
}

const THIS_PROCESS: SignalledProcess = {
  on: (signal, listener) => process.on(signal, listener),
  exit: (code) => process.exit(code),
  nowMs: () => performance.now(),
};

/** Stops a program gracefully at the first SIGTERM or SIGINT; a second one ends it at once. */
export function stopOnSignals(close: () => Promise<void>, logger: StopLogger, target = THIS_PROCESS): void {
  let firstAtMs: number | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    if (firstAtMs !== undefined) {
      if (target.nowMs() - firstAtMs >= SAME_SIGNAL_MS) target.exit(EXIT_CODE_INTERRUPTED);
      return;
    }
    firstAtMs = target.nowMs();
    logger.log(`${signal}: stopping; a second signal ends the process at once`);
    close().then(
      () => target.exit(0),
      (error: unknown) => {
        logger.error(`could not stop cleanly: ${error instanceof Error ? error.message : String(error)}`);
        target.exit(1);
      },
    );
  };
  for (const signal of SIGNALS) target.on(signal, stop);
}
