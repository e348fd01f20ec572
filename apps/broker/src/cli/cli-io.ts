import { InterruptedError } from './cli-errors.js';

/** Where a command writes and what may stop it: an interface, so that tests run commands without a process. */
export interface CliIo {
  /** Results. Resolves when the reader can take more, so that a slow one does not fill the memory. */
  out(text: string): Promise<void>;
  /** Progress and messages. */
  err(text: string): void;
  /** Standard error is a terminal: lines can be rewritten. */
  readonly errIsTerminal: boolean;
  /** Width of that terminal. */
  readonly errColumns: number;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted by Ctrl-C: long work ends at the next piece. */
  readonly signal: AbortSignal;
}

/** Throws `InterruptedError` once the user asked to stop. */
export function checkInterrupted(io: CliIo): void {
  if (io.signal.aborted) throw new InterruptedError();
}

const DEFAULT_COLUMNS = 80;

/** The streams of this process. The first Ctrl-C asks to stop, the second ends the process. */
export function processIo(): CliIo {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      abort.abort();
    });
  }
  // `rocknest store dump DIR | head` closes the pipe when it has enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    out: (text) => {
      if (process.stdout.write(text)) return Promise.resolve();
      return new Promise((resolve) => {
        process.stdout.once('drain', resolve);
      });
    },
    err: (text) => {
      process.stderr.write(text);
    },
    errIsTerminal: process.stderr.isTTY === true,
    errColumns: process.stderr.columns ?? DEFAULT_COLUMNS,
    env: process.env,
    signal: abort.signal,
  };
}
