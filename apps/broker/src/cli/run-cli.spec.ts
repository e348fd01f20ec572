import { RocknestError } from '@rocknest/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { CannotRunError, InterruptedError } from './cli-errors.js';
import type { CommandGroup, CommandInput, Flags } from './command.js';
import { defineCommand, flag } from './command.js';
import { runCli } from './run-cli.js';
import { CollectingIo } from './testing/collecting-io.js';

describe('the command line', () => {
  let io: CollectingIo;
  let seen: CommandInput<Flags> | undefined;
  let failure: Error | undefined;

  const verify = defineCommand({
    name: 'verify',
    summary: 'checks a store',
    description: [
      'A paragraph about it that is long enough to need more than one line when it is printed, which it is here.',
    ],
    operands: [{ name: 'DIR', description: 'folder of the store' }],
    flags: {
      json: flag.boolean('For programs.'),
      topic: flag.text('TOPIC', 'Only this topic.'),
      limit: flag.integer('N', 'At most so many.', { min: 1, max: 100 }),
      body: flag.choice(['none', 'text', 'hex'], 'none', 'How the body is printed.'),
    },
    examples: ['rocknest store verify /data/store'],
    run: async (input) => {
      seen = input;
      if (failure !== undefined) throw failure;
      return 0;
    },
  });
  const root: CommandGroup = {
    name: 'rocknest',
    summary: 'tools',
    commands: [{ name: 'store', summary: 'stores', commands: [verify] }],
  };

  beforeEach(() => {
    io = new CollectingIo();
    seen = failure = undefined;
  });

  const run = (...argv: string[]): Promise<number> => runCli(root, argv, io);

  it('gives a command its operands and flags, with defaults', async () => {
    expect(await run('store', 'verify', '/data', '--limit', '7', '--json', '--topic=--odd', '--body=hex')).toBe(0);
    expect(seen).toEqual({ operands: ['/data'], flags: { json: true, limit: 7, topic: '--odd', body: 'hex' } });
    await run('store', 'verify', '--', '--json');
    expect(seen).toEqual({ operands: ['--json'], flags: { json: false, body: 'none' } });
    expect(io.stderr).toBe('');
  });

  it.each([
    [['stroe'], 'unknown command "stroe": did you mean "store"?'],
    [['--verbose'], 'a command is missing before the flag "--verbose"'],
    [['store', 'verfy', 'x'], 'unknown command "verfy": did you mean "verify"?'],
    [['store', 'verify', 'x', '--jsn'], 'unknown flag --jsn: did you mean "--json"?'],
    [['store', 'verify', 'x', '-j'], 'unknown flag -j: '],
    [['store', 'verify'], 'DIR is missing: folder of the store'],
    [['store', 'verify', ''], 'DIR is empty: folder of the store'],
    [['store', 'verify', 'x', 'y'], '"y" is one argument too many'],
    [['store', 'verify', 'x', '--topic'], '--topic needs a value: --topic TOPIC'],
    [['store', 'verify', 'x', '--topic', '--json'], '--topic needs a value; what follows it is the flag --json'],
    [['store', 'verify', 'x', '--json=yes'], '--json takes no value ("yes")'],
    [['store', 'verify', 'x', '--json', '--json'], '--json is given twice'],
    [['store', 'verify', 'x', '--limit', '0'], '--limit is "0": a whole number from 1 to 100 is needed'],
    [['store', 'verify', 'x', '--limit', '1e3'], '--limit is "1e3": a whole number'],
    [['store', 'verify', 'x', '--body', 'hexa'], 'none, text, hex are possible; did you mean "hex"?'],
  ])('explains what is wrong with %j', async (argv, message) => {
    expect(await run(...argv)).toBe(2);
    expect(io.stderr).toContain(message);
    expect(io.stderr).toMatch(/See rocknest .*--help\n$/);
    expect([io.stdout, seen]).toEqual(['', undefined]);
  });

  it('prints help for the program, a group and a command', async () => {
    for (const words of [['--help'], ['store', '--help'], ['help'], ['store', 'help']]) {
      expect(await run(...words)).toBe(0);
      expect(io.stdout).toContain('verify DIR');
      io.stdout = '';
    }
    expect(await run('store', 'verify', '--wrong', '--help')).toBe(0);
    for (const text of [
      'Usage: rocknest store verify DIR [FLAGS]',
      '--limit N',
      '--body none|text|hex',
      'Default: none',
      'Exit codes: 0',
    ])
      expect(io.stdout).toContain(text);
    for (const line of io.stdout.split('\n').slice(4)) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('asks for a command where none is given', async () => {
    expect(await run()).toBe(2);
    expect(await run('store')).toBe(2);
    expect(io.stderr).toContain('Usage: rocknest store COMMAND');
  });

  it('turns errors into a message and an exit code', async () => {
    for (const [error, code, message] of [
      [new CannotRunError('no such folder'), 3, 'no such folder\n'],
      [new RocknestError('STORE_LOCKED', 'the store is in use'), 3, 'the store is in use\n'],
      [new InterruptedError(), 130, 'stopped by a signal\n'],
      [Object.assign(new Error('x'), { code: 'EACCES', path: '/data' }), 3, 'cannot use /data: permission denied\n'],
    ] as const) {
      io.stderr = '';
      failure = error;
      expect(await run('store', 'verify', 'x')).toBe(code);
      expect(io.stderr).toBe(message);
    }
  });
});
