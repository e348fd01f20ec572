import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../support/project-root.js';
import { cacheFolder } from './support/maven.js';
import { requireToolchain } from './support/toolchain.js';

interface GoldenIndex {
  files: { file: string; sameBytes: boolean }[];
}

const COMMITTED = join(projectRoot, 'libs/protocol/fixtures');

/** The unit tests read the committed bytes; here the official client makes them anew, so that nobody has to believe them. */
describe('golden bytes', () => {
  let folder: string;

  beforeAll(() => {
    requireToolchain();
    folder = mkdtempSync(join(tmpdir(), 'rocknest-golden-'));
    const result = spawnSync(join(projectRoot, 'test/interop/golden/generate.sh'), [folder], {
      encoding: 'utf8',
      env: { ...process.env, GOLDEN_BUILD: join(cacheFolder, 'golden') },
    });
    if (result.status !== 0) throw new Error(`generate.sh failed\n${result.stdout}\n${result.stderr}`);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['4.9.8', '5.4.0'])('of the client %s come out as they are committed', (version) => {
    const index = readFileSync(join(folder, version, 'index.json'), 'utf8');
    expect(index).toBe(readFileSync(join(COMMITTED, version, 'index.json'), 'utf8'));
    const { files } = JSON.parse(index) as GoldenIndex;
    expect(files.length).toBeGreaterThan(50);
    // Deflated bytes depend on the zlib of the machine; the unit tests compare what they hold.
    for (const { file } of files.filter((golden) => golden.sameBytes)) {
      const made = readFileSync(join(folder, version, file));
      expect(made.equals(readFileSync(join(COMMITTED, version, file))), file).toBe(true);
    }
  });
});
