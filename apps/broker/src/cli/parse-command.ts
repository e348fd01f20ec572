import { parseArgs } from 'node:util';
import { UsageError } from './cli-errors.js';
import type { Command, CommandInput, Flag, Flags, FlagValues } from './command.js';
import { didYouMean } from './nearest-name.js';

type Value = string | number | boolean | undefined;

/**
 * Reads what follows the words of a command. Throws `UsageError`, which names the nearest known flag for an unknown one.
 *
 * @param words the words that led to the command, for messages: `['store', 'verify']`
 */
export function parseCommand(command: Command, words: readonly string[], argv: readonly string[]): CommandInput<Flags> {
  const fail = (message: string): never => {
    throw new UsageError(message, words);
  };
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([name, { kind }]) => [
      name,
      { type: kind === 'boolean' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Record<string, Value> = {};
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName } = token;
    const known = Object.hasOwn(command.flags, name) ? command.flags[name] : undefined;
    if (known === undefined || !rawName.startsWith('--')) return fail(unknownFlag(command, rawName));
    if (values[name] !== undefined) return fail(`${rawName} is given twice`);
    if (token.value?.startsWith('--') === true && token.inlineValue === false)
      return fail(`${rawName} needs a value; what follows it is the flag ${token.value}`);
    values[name] = readValue(rawName, known, token.value, fail);
  }
  for (const [name, spec] of Object.entries(command.flags)) values[name] ??= defaultOf(spec);
  const [missing] = command.operands.slice(positionals.length);
  if (missing !== undefined) return fail(`${missing.name} is missing: ${missing.description}`);
  if (positionals.length > command.operands.length)
    return fail(`"${positionals[command.operands.length]}" is one argument too many`);
  const empty = positionals.indexOf('');
  if (empty >= 0) return fail(`${command.operands[empty].name} is empty: ${command.operands[empty].description}`);
  return { operands: positionals, flags: values as FlagValues<Flags> };
}

function unknownFlag({ flags }: Command, rawName: string): string {
  const known = [...Object.keys(flags), 'help'].map((name) => `--${name}`);
  return `unknown flag ${rawName}: ${didYouMean(rawName, known)}`;
}

function readValue(
  rawName: string,
  spec: Flag,
  text: string | undefined,
  fail: (message: string) => never,
): string | number | boolean {
  if (spec.kind === 'boolean') return text === undefined ? true : fail(`${rawName} takes no value ("${text}")`);
  if (text === undefined || text === '') return fail(`${rawName} needs a value: ${describeValue(rawName, spec)}`);
  if (spec.kind === 'text') return text;
  if (spec.kind === 'choice') {
    if (spec.choices.includes(text)) return text;
    return fail(`${rawName} is "${text}": ${spec.choices.join(', ')} are possible; ${didYouMean(text, spec.choices)}`);
  }
  const number = /^-?\d{1,17}$/.test(text) ? Number(text) : NaN;
  if (number >= spec.min && number <= spec.max) return number;
  return fail(`${rawName} is "${text}": a whole number from ${spec.min} to ${spec.max} is needed`);
}

/** How a flag is written with its value: `--limit N`. */
export function describeValue(rawName: string, spec: Flag): string {
  if (spec.kind === 'boolean') return rawName;
  return `${rawName} ${spec.kind === 'choice' ? spec.choices.join('|') : spec.placeholder}`;
}

function defaultOf(spec: Flag): Value {
  if (spec.kind === 'boolean') return false;
  return spec.kind === 'choice' ? spec.default : undefined;
}
