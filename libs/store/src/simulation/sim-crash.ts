/** How a process ends when it is not asked: alone (the page cache survives), or with its machine. */
export type CrashKind = 'kill' | 'power';

/** Thrown by every call of a process that is dead: no code of it goes on to have an effect. */
export class SimCrashError extends Error {
  constructor() {
    super('the simulated process is dead');
    this.name = 'SimCrashError';
  }
}
