import type { CliIo } from './cli-io.js';
import type { ExitCode } from './exit-codes.js';

interface FlagBase {
  /** One sentence for `--help`. */
  readonly description: string;
}

export interface BooleanFlag extends FlagBase {
  readonly kind: 'boolean';
}

export interface TextFlag extends FlagBase {
  readonly kind: 'text';
  /** What stands for the value in `--help`: `TOPIC`. */
  readonly placeholder: string;
}

export interface IntegerFlag extends FlagBase {
  readonly kind: 'integer';
  readonly placeholder: string;
  readonly min: number;
  readonly max: number;
}

export interface ChoiceFlag<T extends string = string> extends FlagBase {
  readonly kind: 'choice';
  readonly choices: readonly T[];
  readonly default: T;
}

export type Flag = BooleanFlag | TextFlag | IntegerFlag | ChoiceFlag;
export type Flags = Readonly<Record<string, Flag>>;

/** The values of a command's flags: `false` for a boolean one that is not there, `undefined` for others without a default. */
export type FlagValues<F extends Flags> = {
  readonly [K in keyof F]: F[K] extends BooleanFlag
    ? boolean
    : F[K] extends IntegerFlag
      ? number | undefined
      : F[K] extends ChoiceFlag<infer T>
        ? T
        : string | undefined;
};

export const flag = {
  boolean: (description: string): BooleanFlag => ({ kind: 'boolean', description }),
  text: (placeholder: string, description: string): TextFlag => ({ kind: 'text', placeholder, description }),
  /** A whole number from `min` (0) to `max` (the largest that is exact). */
  integer: (placeholder: string, description: string, range: { min?: number; max?: number } = {}): IntegerFlag => ({
    kind: 'integer',
    placeholder,
    description,
    min: range.min ?? 0,
    max: range.max ?? Number.MAX_SAFE_INTEGER,
  }),
  choice: <T extends string>(choices: readonly T[], defaultChoice: T, description: string): ChoiceFlag<T> => ({
    kind: 'choice',
    choices,
    default: defaultChoice,
    description,
  }),
};

export interface Operand {
  /** In capitals: `DIR`. */
  readonly name: string;
  readonly description: string;
}

/** What a command is given: its operands in order, and its flags. */
export interface CommandInput<F extends Flags> {
  readonly operands: readonly string[];
  readonly flags: FlagValues<F>;
}

/**
 * A command: what `--help` says, and how it runs. `run` loads its code with `import()`, so that a command pays only for what it needs.
 * It throws `CannotRunError` (or any error of the rooms below, whose message is shown) when it cannot do what was asked for.
 */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Paragraphs for its own `--help`. */
  readonly description: readonly string[];
  readonly operands: readonly Operand[];
  readonly flags: Flags;
  /** Lines that can be tried. */
  readonly examples: readonly string[];
  run(input: CommandInput<Flags>, io: CliIo): Promise<ExitCode>;
}

/** Commands under one word: `rocknest store ...`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly (Command | CommandGroup)[];
}

/** A command whose `run` sees the types of its flags. */
export function defineCommand<F extends Flags>(
  command: Omit<Command, 'flags' | 'run'> & {
    readonly flags: F;
    run(input: CommandInput<F>, io: CliIo): Promise<ExitCode>;
  },
): Command {
  return command;
}

export function isGroup(entry: Command | CommandGroup): entry is CommandGroup {
  return 'commands' in entry;
}
