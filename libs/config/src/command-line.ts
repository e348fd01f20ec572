import type { ConfigProblem } from './problems.js';
import type { RawValue } from './raw-value.js';
import type { SettingsShape } from './settings-definition.js';

/** What the program is asked to do before it starts. */
export type CommandLineAction = 'run' | 'help' | 'print' | 'printImportant';

export interface CommandLine {
  readonly action: CommandLineAction;
  readonly configFile: string | undefined;
  readonly values: readonly RawValue[];
  readonly problems: readonly ConfigProblem[];
}

/** mqbroker's and mqnamesrv's own flags that belong to no key. */
const ACTIONS: ReadonlyMap<string, CommandLineAction> = new Map([
  ['-h', 'help'],
  ['--help', 'help'],
  ['-p', 'print'],
  ['--printConfigItem', 'print'],
  ['-m', 'printImportant'],
  ['--printImportantConfig', 'printImportant'],
]);
const ACTION_RANK: Readonly<Record<CommandLineAction, number>> = { run: 0, printImportant: 1, print: 2, help: 3 };

const CONFIG_FILE_FLAGS: ReadonlySet<string> = new Set(['-c', '--configFile']);

/** A flag as it was written. */
interface Flag {
  /** `-n`, `--listenPort` */
  readonly name: string;
  readonly value: string | undefined;
}

/**
 * Reads the flags: `-c FILE`, `-p`, `-m`, `-h`, and `--key value` or `--key=value` for every key. What begins with a dash is a value only
 * behind a `=` or as a negative number; a boolean key alone means true. Unknown keys are left in `values`: the caller knows
 * RocketMQ's own. (`util.parseArgs` would take the flag that follows a boolean for its value.)
 */
export function readCommandLine(argv: readonly string[], settings: SettingsShape): CommandLine {
  const shorts = new Map<string, string>();
  for (const [key, item] of Object.entries(settings)) if (item.short !== undefined) shorts.set(`-${item.short}`, key);
  const problems: ConfigProblem[] = [];
  const values = new Map<string, RawValue>();
  let action: CommandLineAction = 'run';
  let configFile: string | undefined;
  const problem = (where: string, key: string | undefined, message: string): void => {
    problems.push({ where, key, message });
  };
  for (const part of flagsOf(argv)) {
    if (typeof part === 'string') {
      problem(`argument "${part}"`, undefined, 'only flags are understood; --help lists them');
      continue;
    }
    const where = `flag ${part.name}`;
    const asked = ACTIONS.get(part.name);
    if (asked !== undefined) {
      if (ACTION_RANK[asked] > ACTION_RANK[action]) action = asked;
      if (part.value !== undefined) problem(where, undefined, `takes no value ("${part.value}")`);
      continue;
    }
    if (CONFIG_FILE_FLAGS.has(part.name)) {
      if (part.value) configFile = part.value;
      else problem(where, undefined, 'needs the path of a conf file');
      continue;
    }
    const key = part.name.startsWith('--') ? part.name.slice(2) : shorts.get(part.name);
    if (key === undefined || key === '') {
      problem(where, undefined, 'unknown flag; --help lists them');
      continue;
    }
    const text = part.value ?? (settings[key]?.kind === 'boolean' ? 'true' : undefined);
    if (text === undefined && Object.hasOwn(settings, key)) problem(where, key, `needs a value: --${key}=VALUE`);
    else values.set(key, { key, text: text ?? '', source: { from: 'flag', name: part.name } });
  }
  return { action, configFile, values: [...values.values()], problems };
}

/** Joins each flag with its value; what belongs to no flag comes as the text it is. */
function* flagsOf(argv: readonly string[]): Generator<Flag | string> {
  for (let index = 0; index < argv.length; index++) {
    const arg = argv[index] ?? '';
    if (!arg.startsWith('-') || arg === '-') {
      yield arg;
      continue;
    }
    const equals = arg.indexOf('=');
    if (equals > 0) {
      yield { name: arg.slice(0, equals), value: arg.slice(equals + 1) };
      continue;
    }
    const next = argv[index + 1];
    const takesNext = next !== undefined && !ACTIONS.has(arg) && (!next.startsWith('-') || /^-\d/.test(next));
    if (takesNext) index++;
    yield { name: arg, value: takesNext ? next : undefined };
  }
}
