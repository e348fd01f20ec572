/**
 * What becomes of transactions: the first word at once, the others at their checks, the last one at each further check. `throw` is an
 * exception of the listener.
 */
export const FATES = [
  'commit',
  'rollback',
  'unknown_commit',
  'unknown_rollback',
  'unknown_unknown_unknown_commit',
  'throw_commit',
  'unknown_throw_rollback',
  'unknown',
] as const;

/** Transactions of each fate. */
export const OF_EACH_FATE = 25;

/** RocketMQ's own number of checks before a half message is set aside. */
export const CHECKS_AT_MOST = 15;

/** How soon brokers ask in these tests. */
export const EARLY_CHECKS = { transactionTimeOut: 500, transactionCheckInterval: 300 };

const textsOf = (fates: readonly string[]): string[] =>
  fates.flatMap((fate) => Array.from({ length: OF_EACH_FATE }, (_, i) => `${fate}-${i}`)).sort();

/** Bodies of the messages that consumers must get, and no other. */
export const COMMITTED = textsOf(FATES.filter((fate) => fate.endsWith('commit')));

/** Bodies of the messages that nobody answers about. */
export const NEVER_KNOWN = textsOf(['unknown']);

/** Times that the producer must be asked about a message: exactly, or at least where an answer, or a slow end, may still be under way. */
function checksOf(text: string): { exactly?: number; atLeast?: number } {
  const words = text.slice(0, text.lastIndexOf('-')).split('_');
  if (words.at(-1) === 'unknown') return { exactly: CHECKS_AT_MOST };
  return { atLeast: words.length - 1 };
}

/** @returns the messages that were asked about too rarely or too often. */
export function wrongChecks(checks: Readonly<Record<string, number>>): string[] {
  return textsOf(FATES).flatMap((text) => {
    const { exactly, atLeast = exactly ?? 0 } = checksOf(text);
    const found = checks[text] ?? 0;
    return found < atLeast || (exactly !== undefined && found > exactly) ? [`${text}: ${found} checks`] : [];
  });
}
