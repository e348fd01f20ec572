import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './project-root.js';

/** Client versions whose bytes are in `libs/protocol/fixtures`; `test/interop/golden` makes them. */
export const GOLDEN_VERSIONS = ['4.9.8', '5.4.0'] as const;
export type GoldenVersion = (typeof GOLDEN_VERSIONS)[number];

export interface GoldenFile {
  file: string;
  /** What reads it: frame, message, batch, or the name of a body. */
  kind: string;
  /** False where the bytes depend on the zlib of the machine that made them. */
  sameBytes: boolean;
  /** What must be read from it; bodies have their values in the test. */
  expected?: Record<string, unknown>;
}

export interface GoldenIndex {
  rocketmq: string;
  files: GoldenFile[];
  values: Record<string, Record<string, unknown>[]>;
}

const FOLDER = join(projectRoot, 'libs/protocol/fixtures');

export function goldenIndex(version: GoldenVersion): GoldenIndex {
  return JSON.parse(readFileSync(join(FOLDER, version, 'index.json'), 'utf8')) as GoldenIndex;
}

export function goldenBytes(version: GoldenVersion, file: string): Buffer {
  return readFileSync(join(FOLDER, version, file));
}

/** Files of one kind, each with its version, for `describe.each`. */
export function goldenFiles(kind: string): { version: GoldenVersion; golden: GoldenFile; name: string }[] {
  return GOLDEN_VERSIONS.flatMap((version) =>
    goldenIndex(version)
      .files.filter((golden) => golden.kind === kind)
      .map((golden) => ({ version, golden, name: `${version} ${golden.file}` })),
  );
}
