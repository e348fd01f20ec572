import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Pattern, PatternContext } from './pattern.js';

/** ms that a condition of an example may take. */
const UNTIL_LIMIT_MS = 60_000;
/** ms between two looks at a condition. */
const UNTIL_INTERVAL_MS = 20;

function names(): string[] {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders
    .map(({ name }) => name)
    .filter((name) => existsSync(fileOf(name)))
    .sort();
}

function fileOf(name: string): string {
  return join(import.meta.dirname, name, 'example.js');
}

async function load(name: string): Promise<Pattern> {
  return ((await import(pathToFileURL(fileOf(name)).href)) as { default: Pattern }).default;
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const limitMs = performance.now() + UNTIL_LIMIT_MS;
  while (!(await condition())) {
    if (performance.now() > limitMs) throw new Error(`${what}: not within ${UNTIL_LIMIT_MS / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, UNTIL_INTERVAL_MS));
  }
}

async function printList(): Promise<void> {
  console.log('npm run example -- NAME, with a bus at NAMESRV_ADDR (127.0.0.1:9876 when not set)\n');
  for (const name of names()) console.log(`  ${name.padEnd(24)} ${(await load(name)).about}`);
}

/** What to tell about an error: where no bus answers, what to do. */
function explain(error: unknown, namesrvAddr: string): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code !== 'NAMESRV_UNREACHABLE') return error;
  return `No bus answers at ${namesrvAddr}. Start one in another terminal with "npm start", or set NAMESRV_ADDR to the address of yours.`;
}

const [name] = process.argv.slice(2);
if (name === undefined || name === '--help' || name === '-h') {
  await printList();
} else if (!names().includes(name)) {
  console.error(`There is no example "${name}". There are: ${names().join(', ')}`);
  process.exitCode = 1;
} else {
  const context: PatternContext = {
    namesrvAddr: process.env['NAMESRV_ADDR'] ?? '127.0.0.1:9876',
    runId: randomUUID().slice(0, 8),
    say: (line) => console.log(line),
    until,
  };
  try {
    await (await load(name)).run(context);
    console.log(`${name}: done`);
  } catch (error) {
    console.error(explain(error, context.namesrvAddr));
    process.exit(1);
  }
}
