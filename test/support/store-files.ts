import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The commit log's file that holds `physicalOffset`: files are named after their first offset. */
export function commitLogFile(storePath: string, physicalOffset: number): { file: string; position: number } {
  const folder = join(storePath, 'commitlog');
  const starts = readdirSync(folder)
    .filter((name) => /^\d{20}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
  const start = starts.findLast((first) => first <= physicalOffset);
  if (start === undefined) throw new Error(`no file of ${folder} holds offset ${physicalOffset}`);
  return { file: join(folder, String(start).padStart(20, '0')), position: physicalOffset - start };
}

/** Overwrites bytes of the commit log of a broker that doesn't run. */
export function overwriteLog(storePath: string, physicalOffset: number, bytes: Buffer): void {
  const { file, position } = commitLogFile(storePath, physicalOffset);
  const handle = openSync(file, 'r+');
  try {
    writeSync(handle, bytes, 0, bytes.length, position);
  } finally {
    closeSync(handle);
  }
}

export function readLog(storePath: string, physicalOffset: number, sizeBytes: number): Buffer {
  const { file, position } = commitLogFile(storePath, physicalOffset);
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(sizeBytes);
    readSync(handle, bytes, 0, sizeBytes, position);
    return bytes;
  } finally {
    closeSync(handle);
  }
}
