import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listSourceFiles, resolveRelative, type SourceFile } from './source-files.js';

const EXPORT =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type|enum) (\w+)/gm;
const EXPORT_ALL = /^export (?:type )?\* from '([^']+)'/gm;

const files = listSourceFiles();

/** Files whose exports an index passes on whole: they are the room's public surface. */
function passedOn(): Set<string> {
  const result = new Set<string>();
  for (const file of files) {
    if (basename(file.path) !== 'index.ts') continue;
    for (const match of file.text.matchAll(EXPORT_ALL)) result.add(resolveRelative(file, match[1]));
  }
  return result;
}

function exportsOf(file: SourceFile): string[] {
  return [...file.text.matchAll(EXPORT)].map((match) => match[1]);
}

describe('exports', () => {
  it('are named again somewhere, or are the surface of a room', () => {
    const surface = passedOn();
    const counts = new Map<string, number>();
    for (const file of files) {
      for (const word of file.text.match(/\w+/g) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    const dead = files
      .filter((file) => !surface.has(file.path))
      .flatMap((file) =>
        exportsOf(file)
          .filter((name) => counts.get(name) === 1)
          .map((name) => `${file.path}: ${name}`),
      );
    expect(dead).toEqual([]);
  });
});
