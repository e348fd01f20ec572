import { RocknestError } from '@rocknest/protocol';
import { startErrorText } from '../start/start-error-text.js';
import { CannotRunError, InterruptedError, UsageError } from './cli-errors.js';
import type { CliIo } from './cli-io.js';
import type { Command, CommandGroup } from './command.js';
import { isGroup } from './command.js';
import { ExitCode } from './exit-codes.js';
import { commandHelp, groupHelp } from './help.js';
import { didYouMean } from './nearest-name.js';
import { parseCommand } from './parse-command.js';

const HELP_WORDS: ReadonlySet<string> = new Set(['--help', '-h', 'help']);

/** Runs one command line. Never throws: what went wrong is on standard error, and in the exit code. */
export async function runCli(root: CommandGroup, argv: readonly string[], io: CliIo): Promise<ExitCode> {
  try {
    return await run(root, argv, io);
  } catch (error) {
    if (error instanceof UsageError) {
      const help = ['rocknest', ...error.helpFor, '--help'].join(' ');
      io.err(`${error.message}\nSee ${help}\n`);
      return ExitCode.USAGE;
    }
    if (error instanceof InterruptedError) {
      io.err('stopped by a signal\n');
      return ExitCode.INTERRUPTED;
    }
    const isPlain = error instanceof CannotRunError || error instanceof RocknestError;
    io.err(`${isPlain ? error.message : startErrorText(error)}\n`);
    return ExitCode.CANNOT_RUN;
  }
}

async function run(root: CommandGroup, argv: readonly string[], io: CliIo): Promise<ExitCode> {
  const words: string[] = [];
  let entry: Command | CommandGroup = root;
  let rest = argv;
  while (isGroup(entry)) {
    const [word, ...others]: readonly string[] = rest;
    if (word === undefined) {
      io.err(groupHelp(entry, words));
      return ExitCode.USAGE;
    }
    if (HELP_WORDS.has(word)) {
      await io.out(groupHelp(entry, words));
      return ExitCode.OK;
    }
    entry = find(entry, word, words);
    words.push(word);
    rest = others;
  }
  if (rest.some((word) => word === '--help' || word === '-h')) {
    await io.out(commandHelp(entry, words));
    return ExitCode.OK;
  }
  return entry.run(parseCommand(entry, words, rest), io);
}

function find(group: CommandGroup, word: string, words: readonly string[]): Command | CommandGroup {
  const found = group.commands.find(({ name }) => name === word);
  if (found !== undefined) return found;
  const what = word.startsWith('-') ? 'a command is missing before the flag' : 'unknown command';
  const hint = word.startsWith('-')
    ? `commands are ${group.commands.map(({ name }) => name).join(', ')}`
    : didYouMean(
        word,
        group.commands.map(({ name }) => name),
      );
  throw new UsageError(`${what} "${word}": ${hint}`, words);
}
