/** An invariant was broken. */
export class SimViolation extends Error {
  constructor(
    /** A stable name of the invariant: shrinking keeps to it. */
    readonly invariant: string,
    message: string,
  ) {
    super(`${invariant}: ${message}`);
    this.name = 'SimViolation';
  }
}

export function demand(condition: boolean, invariant: string, message: () => string): asserts condition {
  if (!condition) throw new SimViolation(invariant, message());
}
