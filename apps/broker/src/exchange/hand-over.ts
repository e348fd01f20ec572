import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SMALL_FILE_MAX_BYTES } from './defaults.js';
import { CONFIG_FILE_NAMES, configFolder, digestsOf, sizeOf, syncFolder } from './config-folder.js';

/** Ours, beside RocketMQ's files, which does not look at it. */
export const HAND_OVER_FILE = 'rocknest.json';

/**
 * What the database and the files of `config/` have to do with each other. With `EXPORTED` nothing was changed in the database since the
 * files were written from it: whoever changed them has the newer state. With `KNOWN` the database took the files as they are, or has
 * moved on from them.
 */
export interface HandOver {
  readonly state: 'KNOWN' | 'EXPORTED';
  /** `cluster/brokerName/brokerId`. */
  readonly brokerKey: string;
  /** ISO time of the import or export. */
  readonly at: string;
  /** SHA-256 of each file at that time. */
  readonly files: Readonly<Record<string, string>>;
}

/** The note that the last import or export left; undefined when there is none, or none that makes sense. */
export function readHandOver(storePath: string): HandOver | undefined {
  const path = join(configFolder(storePath), HAND_OVER_FILE);
  const sizeBytes = sizeOf(path);
  if (sizeBytes === 0 || sizeBytes > SMALL_FILE_MAX_BYTES) return undefined;
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<HandOver> | null;
    const isKnown = value?.state === 'KNOWN' || value?.state === 'EXPORTED';
    if (!isKnown || typeof value.brokerKey !== 'string') return undefined;
    return { state: value.state, brokerKey: value.brokerKey, at: String(value.at), files: { ...value.files } };
  } catch {
    return undefined;
  }
}

/** Notes how things stand now, on stable storage when it returns. */
export function writeHandOver(storePath: string, state: HandOver['state'], brokerKey: string): void {
  const handOver: HandOver = { state, brokerKey, at: new Date().toISOString(), files: digestsOf(storePath) };
  const folder = configFolder(storePath);
  mkdirSync(folder, { recursive: true });
  replaceFile(join(folder, HAND_OVER_FILE), `${JSON.stringify(handOver, undefined, 2)}\n`);
  syncFolder(folder);
}

/** Which of the files differ from what the note says. */
export function changedFiles(handOver: HandOver, digests: Readonly<Record<string, string>>): string[] {
  return CONFIG_FILE_NAMES.filter((name) => handOver.files[name] !== digests[name]);
}

/** Puts a text in a file's place: readers see the old one or the new one, whole. */
function replaceFile(path: string, text: string): void {
  const temporary = `${path}.tmp`;
  writeSynced(temporary, text);
  renameSync(temporary, path);
}

/** Writes a file, on stable storage when it returns. */
export function writeSynced(path: string, text: string): void {
  const file = openSync(path, 'w');
  try {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
