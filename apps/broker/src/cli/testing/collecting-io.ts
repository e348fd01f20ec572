import type { CliIo } from '../cli-io.js';

/** Keeps what a command writes, for assertions. */
export class CollectingIo implements CliIo {
  stdout = '';
  stderr = '';
  errIsTerminal = false;
  errColumns = 80;
  env: NodeJS.ProcessEnv = {};
  readonly abort = new AbortController();

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  out(text: string): Promise<void> {
    this.stdout += text;
    return Promise.resolve();
  }

  err(text: string): void {
    this.stderr += text;
  }
}
