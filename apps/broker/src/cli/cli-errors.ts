/** A command line that makes no sense; the message says what to write instead. */
export class UsageError extends Error {
  /** @param helpFor words of the command whose `--help` tells more. */
  constructor(
    message: string,
    readonly helpFor: readonly string[] = [],
  ) {
    super(message);
    this.name = 'UsageError';
  }
}

/** What was asked for cannot be done here; the message alone is fit for the user. */
export class CannotRunError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'CannotRunError';
  }
}

/** The user pressed Ctrl-C; what was begun was ended properly. */
export class InterruptedError extends Error {
  constructor() {
    super('stopped');
    this.name = 'InterruptedError';
  }
}
