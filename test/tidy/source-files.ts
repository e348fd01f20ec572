import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { projectRoot } from '../support/project-root.js';

/** One `import` or `export ... from` of a file. */
export interface ImportLine {
  specifier: string;
  /** Erased by the compiler: no import at run time. */
  typeOnly: boolean;
  /** What stands in the braces. */
  names: string[];
}

export interface SourceFile {
  /** Relative to the project's root, with slashes. */
  path: string;
  text: string;
  imports: ImportLine[];
}

const SOURCE_FOLDERS = ['apps', 'libs', 'test', 'examples', 'bench'];
const IGNORED_FOLDERS = new Set(['node_modules', 'dist', 'target', 'fixtures', 'results']);

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return IGNORED_FOLDERS.has(entry.name) ? [] : filesBelow(path);
    return [path];
  });
}

const IMPORT = /^\s*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+\s+from\s+)?['"]([^'"]+)['"]/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

function namesOf(statement: string): string[] {
  const names = /\{([^}]*)\}/.exec(statement)?.[1] ?? '';
  return names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** `import { type A, type B }` leaves nothing behind either. */
function namesAreTypes(statement: string): boolean {
  const names = namesOf(statement);
  return names.length > 0 && !/^\s*import\s+\w/.test(statement) && names.every((name) => name.startsWith('type '));
}

function importsOf(text: string): ImportLine[] {
  const imports: ImportLine[] = [];
  for (const match of text.matchAll(IMPORT)) {
    const typeOnly = match[1] !== undefined || namesAreTypes(match[0]);
    imports.push({ specifier: match[2], typeOnly, names: namesOf(match[0]) });
  }
  for (const match of text.matchAll(DYNAMIC_IMPORT)) imports.push({ specifier: match[1], typeOnly: false, names: [] });
  return imports;
}

/** All files of the source folders whose name ends with one of `extensions`. */
export function listFiles(extensions: readonly string[]): { path: string; text: string }[] {
  return SOURCE_FOLDERS.flatMap((folder) => filesBelow(join(projectRoot, folder)))
    .filter((file) => extensions.some((extension) => file.endsWith(extension)))
    .map((file) => ({ path: relative(projectRoot, file), text: readFileSync(file, 'utf8') }));
}

export function listSourceFiles(): SourceFile[] {
  return listFiles(['.ts']).map((file) => ({ ...file, imports: importsOf(file.text) }));
}

/** @returns the path of the file that a relative import names. */
export function resolveRelative(file: SourceFile, specifier: string): string {
  return join(dirname(file.path), specifier.replace(/\.js$/, '.ts'));
}
