import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child } from '../../test/support/child.js';
import { projectRoot } from '../../test/support/project-root.js';
import { BrokerProcess } from '../../test/support/rocknest-process.js';

const SOURCES = join(projectRoot, 'examples/patterns/src');
const MAIN = join(projectRoot, 'dist/examples/patterns/examples/patterns/src/main.js');

/** Each folder with an `example.ts`. */
const patterns = readdirSync(SOURCES).filter((name) => existsSync(join(SOURCES, name, 'example.ts')));

let broker: BrokerProcess;

beforeAll(async () => {
  const nest = join(projectRoot, 'node_modules/@nestjs/cli/bin/nest.js');
  const result = spawnSync(process.execPath, [nest, 'build', 'patterns', '--tsc'], {
    cwd: projectRoot,
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`nest build patterns failed\n${result.stdout}\n${result.stderr}`);
  broker = await BrokerProcess.create();
  await broker.start();
}, 240_000);

afterAll(() => broker?.remove());

async function run(args: string[], namesrvAddr = broker.namesrvAddr): Promise<{ code: unknown; output: string }> {
  const child = new Child({
    name: `example ${args.join(' ')}`,
    command: process.execPath,
    args: [MAIN, ...args],
    env: { ...process.env, NO_COLOR: '1', NAMESRV_ADDR: namesrvAddr },
  });
  const code = await child.waitForExit();
  return { code, output: child.tail() };
}

describe('the examples of patterns', () => {
  it.each(patterns)('%s does what its page says', { timeout: 120_000 }, async (name) => {
    const { code, output } = await run([name]);
    expect(output).toContain(`${name}: done`);
    expect(code).toBe(0);
  });

  it.each(patterns)('%s has a page', (name) => {
    expect(existsSync(join(projectRoot, 'docs/patterns', `${name}.md`))).toBe(true);
  });

  it('are listed when none is named', async () => {
    const { output } = await run([]);
    for (const name of patterns) expect(output).toContain(name);
  });

  it('tell of a name that is none, and of a bus that is not there', async () => {
    expect(await run(['nothing'])).toMatchObject({ code: 1, output: expect.stringContaining('no example "nothing"') });
    expect(await run(['concurrent'], '127.0.0.1:1')).toMatchObject({
      code: 1,
      output: expect.stringContaining('No bus answers at 127.0.0.1:1'),
    });
  });
});
