/** What becomes of the transaction of an order. */
export type OrderFate = 'commit' | 'rollback' | 'dieBeforeCommit' | 'dieAfterCommit';

/** Of so many orders the first two shares go wrong with the producer's process: right before and right after the commit of the database. */
const DEATHS_PER = 1_000;
/** Of so many orders one is rolled back. */
const ROLLBACK_PER = 5;

/** The same fate for an order in each run; 5,000 orders meet each of them. */
export function fateOf(orderId: number): OrderFate {
  const random = (Math.imul(orderId + 1, 0x9e3779b1) >>> 0) % DEATHS_PER;
  if (random === 1) return 'dieBeforeCommit';
  if (random === 2) return 'dieAfterCommit';
  return random % ROLLBACK_PER === 0 ? 'rollback' : 'commit';
}
