import { describe, expect, it } from 'vitest';
import { isForbidden, roomOfAlias, roomOfFile, rooms } from './rooms.js';
import { listSourceFiles, resolveRelative, type SourceFile } from './source-files.js';

const files = listSourceFiles();
const isTest = (path: string): boolean =>
  path.endsWith('.spec.ts') || path.startsWith('test/') || path.includes('/spec-support/');

/** Imports at run time among the project's own files; specs are leaves and can't close a circle. */
function importGraph(): Map<string, string[]> {
  const known = new Set(files.map((file) => file.path));
  const graph = new Map<string, string[]>();
  for (const file of files) {
    const targets = file.imports
      .filter((line) => !line.typeOnly)
      .map((line) => {
        if (line.specifier.startsWith('.')) return resolveRelative(file, line.specifier);
        const room = roomOfAlias(line.specifier);
        return room === undefined ? '' : `${room.folder}/src/index.ts`;
      });
    graph.set(
      file.path,
      targets.filter((target) => known.has(target)),
    );
  }
  return graph;
}

function findCycles(graph: Map<string, string[]>): string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      cycles.push([...trail.slice(at), path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}

function leavesRoom(file: SourceFile, specifier: string): boolean {
  const room = roomOfFile(file.path);
  return (
    room !== undefined && specifier.startsWith('.') && !resolveRelative(file, specifier).startsWith(`${room.folder}/`)
  );
}

describe('the direction of imports', () => {
  it('reads the source files', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.flatMap((file) => file.imports).filter((line) => roomOfAlias(line.specifier)).length).toBeGreaterThan(
      20,
    );
    for (const room of rooms)
      expect(
        files.some((file) => file.path.startsWith(room.folder)),
        room.folder,
      ).toBe(true);
  });

  it('follows the table of rooms', () => {
    const wrong = files.flatMap((file) => {
      const room = roomOfFile(file.path);
      if (room === undefined) return [];
      return (
        file.imports
          .map((line) => roomOfAlias(line.specifier))
          .filter((target) => target !== undefined)
          // A spec may use what stands below its room, whatever the room itself needs.
          .filter(
            (target) =>
              !room.mayImport.includes(target.folder) && !(isTest(file.path) && target.folder === 'libs/protocol'),
          )
          .map((target) => `${file.path} imports ${target.folder}`)
      );
    });
    expect(wrong).toEqual([]);
  });

  it('enters another room by its index alone', () => {
    const wrong = files.flatMap((file) =>
      file.imports
        .filter((line) => leavesRoom(file, line.specifier) || /^@rocknest\/[^/]+\//.test(line.specifier))
        .filter((line) => !(isTest(file.path) && resolveRelative(file, line.specifier).startsWith('test/support/')))
        .map((line) => `${file.path} imports ${line.specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it('imports no module from outside that the room is free of', () => {
    const wrong = files.flatMap((file) => {
      const room = roomOfFile(file.path);
      if (room === undefined || isTest(file.path)) return [];
      return file.imports
        .filter((line) => isForbidden(room, line))
        .map((line) => `${file.path} imports ${line.specifier}`);
    });
    expect(wrong).toEqual([]);
  });

  it('lets one file of the broker know the namesrv', () => {
    const knowing = files.filter((file) => file.path.startsWith('apps/broker/') && !isTest(file.path));
    const importing = knowing.filter((file) => file.imports.some((line) => line.specifier === '@rocknest/namesrv'));
    expect(importing.map((file) => file.path).length).toBeLessThanOrEqual(1);
  });

  it('has no circle', () => {
    expect(findCycles(importGraph())).toEqual([]);
  });

  it('finds a circle where there is one', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a']],
    ]);
    expect(findCycles(graph)).toEqual(['a -> b -> c -> a']);
  });
});
