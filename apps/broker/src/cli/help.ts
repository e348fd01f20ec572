import type { Command, CommandGroup } from './command.js';
import { isGroup } from './command.js';
import { describeValue } from './parse-command.js';

const PROGRAM = 'rocknest';
const WIDTH = 100;

const EXIT_CODES =
  'Exit codes: 0 all is well, 1 damage was found, 2 the command line makes no sense, 3 it could not be done.';

/** `--help` of the program or of a group of commands. */
export function groupHelp(group: CommandGroup, words: readonly string[]): string {
  const name = [PROGRAM, ...words].join(' ');
  const rows = commandsBelow(group, []).map(({ usage, summary }) => [usage, summary] as const);
  return [
    `${name}: ${group.summary}`,
    '',
    `Usage: ${name} COMMAND`,
    '',
    ...table(rows),
    '',
    ...wrap(`${name} COMMAND --help says more about one. ${EXIT_CODES}`, WIDTH),
    '',
  ].join('\n');
}

/** `--help` of a command. */
export function commandHelp(command: Command, words: readonly string[]): string {
  const name = [PROGRAM, ...words].join(' ');
  const flags = Object.entries(command.flags).map(([flagName, spec]) => {
    const suffix = spec.kind === 'choice' ? ` Default: ${spec.default}.` : '';
    return [describeValue(`--${flagName}`, spec), spec.description + suffix] as const;
  });
  return [
    `${name}: ${command.summary}`,
    '',
    `Usage: ${[name, ...command.operands.map((operand) => operand.name)].join(' ')} [FLAGS]`,
    '',
    ...command.description.flatMap((paragraph) => [...wrap(paragraph, WIDTH), '']),
    ...table([
      ...command.operands.map((operand) => [operand.name, operand.description] as const),
      ...flags,
      ['--help', 'Print this text.'],
    ]),
    '',
    ...(command.examples.length === 0 ? [] : ['Examples:', ...command.examples.map((line) => `  ${line}`), '']),
    ...wrap(EXIT_CODES, WIDTH),
    '',
  ].join('\n');
}

function commandsBelow(group: CommandGroup, words: readonly string[]): { usage: string; summary: string }[] {
  return group.commands.flatMap((entry) =>
    isGroup(entry)
      ? commandsBelow(entry, [...words, entry.name])
      : [
          {
            usage: [...words, entry.name, ...entry.operands.map((operand) => operand.name)].join(' '),
            summary: entry.summary,
          },
        ],
  );
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(36, Math.max(...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, WIDTH - width - 4);
    const indent = ' '.repeat(width + 4);
    const isLong = left.length > width;
    const first = isLong ? [`  ${left}`, `${indent}${lines[0]}`] : [`  ${left.padEnd(width)}  ${lines[0]}`];
    return [...first, ...lines.slice(1).map((line) => indent + line)];
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
