import { readFileSync, statSync } from 'node:fs';
import { CONFIG_FILE_MAX_BYTES } from './defaults.js';
import type { ConfigProblem } from './problems.js';
import { parseProperties } from './properties.js';
import type { RawValue } from './raw-value.js';

export interface ConfigFileContent {
  readonly values: readonly RawValue[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

/** Reads a conf file. What cannot be read becomes a problem, so that it is reported together with all others. */
export function readConfigFile(file: string): ConfigFileContent {
  const failed = (message: string): ConfigFileContent => ({
    values: [],
    problems: [{ where: file, key: undefined, message }],
    warnings: [],
  });
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > CONFIG_FILE_MAX_BYTES) {
      return failed(`has ${size} bytes; a conf file has at most ${CONFIG_FILE_MAX_BYTES}. Is it the right file?`);
    }
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return failed(`cannot be read (${reason(error)}). Check the path given with -c, and its permissions.`);
  }
  try {
    return fromText(file, text);
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

function fromText(file: string, text: string): ConfigFileContent {
  const values = new Map<string, RawValue>();
  const warnings: string[] = [];
  for (const { key, value, line } of parseProperties(text)) {
    const earlier = values.get(key);
    if (earlier?.source.from === 'file') {
      warnings.push(`${file}:${line}: "${key}" stands in line ${earlier.source.line} too; the last one counts`);
    }
    values.set(key, { key, text: value, source: { from: 'file', file, line } });
  }
  return { values: [...values.values()], problems: [], warnings };
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return error instanceof Error ? error.message : String(error);
}
