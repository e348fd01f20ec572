import { RocknestError } from '@rocknest/protocol';

/** One thing that is wrong with the configuration. */
export interface ConfigProblem {
  /** Where it stands: `broker.conf:12`, `environment ROCKNEST_LISTEN_PORT`, `flag --listenPort`. */
  readonly where: string;
  readonly key: string | undefined;
  /** What is wrong and what would be right, in one sentence. */
  readonly message: string;
}

/**
 * The configuration cannot be used. The message lists every problem found, so that one start-up shows them all.
 * `details.problems` holds them as {@link ConfigProblem}s.
 */
export class ConfigError extends RocknestError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super('CONFIG_INVALID', problemText(problems), { details: { problems } });
    this.problems = problems;
  }
}

function problemText(problems: readonly ConfigProblem[]): string {
  const lines = problems.map((problem) => `${problem.where}: ${problem.message}`);
  if (lines.length === 1) return `The configuration has a problem. ${lines[0]}`;
  return `The configuration has ${lines.length} problems:\n${lines.map((line) => `  - ${line}`).join('\n')}`;
}
