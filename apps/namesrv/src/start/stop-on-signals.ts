import type { NamesrvLogger } from '../logger.js';

const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];
/** What shells report for a process that a second Ctrl-C ended. */
const EXIT_CODE_INTERRUPTED = 130;

/** Stops gracefully at the first SIGTERM or SIGINT; a second one ends the process at once. */
export function stopOnSignals(close: () => Promise<void>, logger: NamesrvLogger): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(EXIT_CODE_INTERRUPTED);
    stopping = true;
    logger.log(`${signal}: stopping; a second signal ends the process at once`);
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error(`could not stop cleanly: ${error instanceof Error ? error.message : String(error)}`);
        process.exit(1);
      },
    );
  };
  for (const signal of SIGNALS) process.on(signal, stop);
}
