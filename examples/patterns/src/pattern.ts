/** What an example gets to work with. */
export interface PatternContext {
  /** `host:port;host:port` of the namesrvs. */
  readonly namesrvAddr: string;
  /** Another text at each run: what a run sends can carry it, so that messages of an earlier run are told apart. */
  readonly runId: string;
  /** Prints a line for the reader. */
  say(line: string): void;
  /** Resolves once the condition holds. @throws Error that names `what` when it does not within 60 s. */
  until(what: string, condition: () => boolean | Promise<boolean>): Promise<void>;
}

/** One example: the folder `src/<name>` has an `example.ts` whose default export it is. */
export interface Pattern {
  /** One line that says what it shows. */
  readonly about: string;
  /** Shows it and cleans up. Throws when something did not happen as it says. */
  run(context: PatternContext): Promise<void>;
}
