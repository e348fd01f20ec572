import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const libs = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(`${libs}/client/package.json`, 'utf8')) as {
  exports: Record<string, { types: string; default: string }>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
};
/** The rooms that `nest build client` compiles into the package. */
const ROOMS = ['client', 'client-core', 'remoting', 'protocol'];

function sourcesOf(room: string): string[] {
  return readdirSync(`${libs}/${room}/src`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts') && !name.includes('spec-support'))
    .map((name) => `${libs}/${room}/src/${name}`);
}

/** What a file imports or re-exports, static or dynamic. */
function specifiersOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?<!\.)\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]);
}

describe('@rocknest/client as a package', () => {
  it('imports its peers, its dependencies, Node and itself, and nothing else', () => {
    const allowed = new Set([
      ...Object.keys(manifest.peerDependencies),
      ...Object.keys(manifest.dependencies),
      ...ROOMS.map((room) => `@rocknest/${room}`),
    ]);
    const foreign = ROOMS.flatMap(sourcesOf).flatMap((file) =>
      specifiersOf(file)
        .filter((name) => !name.startsWith('.') && !name.startsWith('node:') && !builtinModules.includes(name))
        .filter((name) => !allowed.has(name))
        .map((name) => `${file} imports ${name}`),
    );
    expect(foreign).toEqual([]);
    // Each is a decision (docs/decisions): both are Zstandard.
    expect(Object.keys(manifest.dependencies).sort()).toEqual(['@bokuweb/zstd-wasm', 'fzstd']);
  });

  it('takes Nest 11 and 12, and points at what the build makes of src/index.ts', () => {
    for (const name of ['common', 'core', 'microservices']) {
      expect(manifest.peerDependencies[`@nestjs/${name}`]).toBe('^11.0.0 || ^12.0.0');
    }
    // rootDir of tsconfig.lib.json is libs/, so the room's own path stands in the output.
    expect(manifest.exports['.']).toEqual({
      types: './dist/client/src/index.d.ts',
      default: './dist/client/src/index.js',
    });
  });
});
