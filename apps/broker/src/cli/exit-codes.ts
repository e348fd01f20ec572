/** What `rocknest` ends with: stable, for scripts. docs/guides/store-maintenance.md lists them for users. */
export const ExitCode = {
  OK: 0,
  /** The store is damaged, or needs a repair. */
  DAMAGE: 1,
  /** The command line makes no sense. */
  USAGE: 2,
  /** What was asked for could not be done: no such folder, no permission, a store in use, a failing disk. */
  CANNOT_RUN: 3,
  /** Ended by Ctrl-C, as shells have it. */
  INTERRUPTED: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
