import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listFiles, listSourceFiles } from './source-files.js';

const MAX_LINES = 400;

const files = listFiles(['.ts', '.java', '.sh', '.mjs']);
const sources = listSourceFiles();

/** What marks work that isn't finished, or a check that was switched off. The words are cut so that this file passes its own test. */
const UNFINISHED = [
  /\bTO(?:DO)\b/,
  /\bFIX(?:ME)\b/,
  /\bnot (?:yet )?imple(?:mented)\b/i,
  /\b(?:it|test|describe)\.(?:skip|only|todo)\b(?!If)/,
  /@ts-(?:ignore|nocheck)/,
  /eslint-(?:disable)/,
  /\bas an(?:y)\b/,
];

/** Folders of one machine, and hosts of package registries. */
const PLACES = [/(?:\/home|\/root|\/work)\/[a-z]/, /registry\.(?:npmjs|yarnpkg)/, /repo\d?\.maven/];

function offending(patterns: readonly RegExp[]): string[] {
  return files
    .filter((file) => file.path !== 'test/tidy/file-rules.spec.ts')
    .flatMap((file) =>
      file.text.split('\n').flatMap((line, index) => {
        return patterns.some((pattern) => pattern.test(line)) ? [`${file.path}:${index + 1}: ${line.trim()}`] : [];
      }),
    );
}

describe('source files', () => {
  it(`have at most ${MAX_LINES} lines`, () => {
    const long = files.filter((file) => file.text.split('\n').length - 1 > MAX_LINES);
    expect(long.map((file) => file.path)).toEqual([]);
  });

  it('hold no unfinished work and no switched-off check', () => {
    expect(offending(UNFINISHED)).toEqual([]);
  });

  it('name no folder of one machine and no registry', () => {
    expect(offending(PLACES)).toEqual([]);
  });

  it('have names in kebab-case', () => {
    const wrong = sources.filter((file) => !/^[a-z0-9]+([-.][a-z0-9]+)*\.ts$/.test(basename(file.path)));
    expect(wrong.map((file) => file.path)).toEqual([]);
  });
});
