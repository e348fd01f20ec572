/** What an expression says of a message. Only TRUE lets it through. */
export const Verdict = {
  FALSE: 0,
  TRUE: 1,
  /** NULL: a property is missing whose value would decide. */
  UNKNOWN: 2,
  /** A value that cannot be compared, such as `x5` with a number: in Java an exception, whatever the rest of the expression says. */
  ERROR: 3,
} as const;

export type Verdict = (typeof Verdict)[keyof typeof Verdict];

export function verdictOf(isTrue: boolean): Verdict {
  return isTrue ? Verdict.TRUE : Verdict.FALSE;
}

export function not(verdict: Verdict): Verdict {
  return verdict <= Verdict.TRUE ? verdictOf(verdict === Verdict.FALSE) : verdict;
}
