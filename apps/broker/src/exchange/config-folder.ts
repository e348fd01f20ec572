import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIG_FILE_MAX_BYTES } from './defaults.js';
import { ExchangeError } from './exchange-error.js';

/** The files of `config/` that Rocknest keeps in its database instead. Follows `broker/BrokerPathConfigHelper.java`. */
export const CONFIG_FILES = {
  topics: 'topics.json',
  groups: 'subscriptionGroup.json',
  consumerOffsets: 'consumerOffset.json',
  delayOffsets: 'delayOffset.json',
  requestModes: 'messageRequestMode.json',
  orderInfos: 'consumerOrderInfo.json',
} as const;

export type ConfigFile = (typeof CONFIG_FILES)[keyof typeof CONFIG_FILES];

export const CONFIG_FILE_NAMES: readonly ConfigFile[] = Object.values(CONFIG_FILES);

/** The copy of a file's last state, which RocketMQ keeps beside it. */
export const BACKUP_SUFFIX = '.bak';

export function configFolder(storePath: string): string {
  return join(storePath, 'config');
}

/** Those of these files that are there, themselves or as their backup. */
export function presentConfigFiles(storePath: string): ConfigFile[] {
  const folder = configFolder(storePath);
  return CONFIG_FILE_NAMES.filter(
    (name) => sizeOf(join(folder, name)) > 0 || sizeOf(join(folder, name + BACKUP_SUFFIX)) > 0,
  );
}

/**
 * Reads a file as RocketMQ's `ConfigManager.load` does: the backup counts when the file is missing, empty or cannot be read.
 *
 * @param parse throws for a text that makes no sense.
 * @returns undefined when neither is there. `note` says that the backup was taken, and why.
 * @throws ExchangeError EXCHANGE_CONFIG_UNREADABLE when neither can be read: RocketMQ would go on as if there were nothing.
 */
export function readConfigFile<T>(
  storePath: string,
  name: ConfigFile,
  parse: (text: string) => T,
): { value: T; note?: string } | undefined {
  const path = join(configFolder(storePath), name);
  let failure: { path: string; error: unknown } | undefined;
  for (const candidate of [path, path + BACKUP_SUFFIX]) {
    try {
      if (sizeOf(candidate) === 0) continue;
      const value = parse(readText(candidate));
      if (candidate === path) return { value };
      const why = failure === undefined ? 'is missing or empty' : `cannot be read (${reason(failure.error)})`;
      return { value, note: `${path} ${why}: its backup ${name}${BACKUP_SUFFIX} was taken` };
    } catch (error) {
      failure ??= { path: candidate, error };
    }
  }
  if (failure === undefined) return undefined;
  throw new ExchangeError(
    'EXCHANGE_CONFIG_UNREADABLE',
    `${failure.path} cannot be read: ${reason(failure.error)}. Put the file right, or its backup ${name}${BACKUP_SUFFIX} in its place; ` +
      `to go on without what it holds, move both away.`,
    { path: failure.path },
    failure.error,
  );
}

/** SHA-256 of each of these files that is there: tells later whether somebody wrote them. */
export function digestsOf(storePath: string): Record<string, string> {
  const digests: Record<string, string> = {};
  for (const name of CONFIG_FILE_NAMES) {
    const path = join(configFolder(storePath), name);
    if (sizeOf(path) > 0) digests[name] = createHash('sha256').update(readFileSync(path)).digest('hex');
  }
  return digests;
}

/** Names of what a folder holds; empty when there is no such folder. */
export function listFolder(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

/** Bytes of a file, 0 when there is none. */
export function sizeOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true ? stat.size : 0;
}

/** Brings the names in a folder to stable storage. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function readText(path: string): string {
  const sizeBytes = sizeOf(path);
  if (sizeBytes > CONFIG_FILE_MAX_BYTES) {
    throw new Error(`it has ${sizeBytes} bytes; at most ${CONFIG_FILE_MAX_BYTES} are read`);
  }
  return readFileSync(path, 'utf8');
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
