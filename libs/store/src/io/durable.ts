import { dirname } from 'node:path';
import type { FileSystem, StoreFile } from './file-system.js';
import { errnoOf } from './file-system.js';

/** Makes the names in a folder durable. Rejects with what the file system says. */
export function syncFolder(fileSystem: FileSystem, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    fileSystem.syncFolder(path, (error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

/** `fdatasync`. Rejects with what the file system says. */
export function syncData(file: StoreFile): Promise<void> {
  return new Promise((resolve, reject) => {
    file.syncData((error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

/**
 * Makes folders that survive a power loss: what is synced within a folder is lost all the same when nothing leads to it. Names are synced even
 * when the folders exist, since whoever made them may have died before. Throws what the file system throws.
 */
export async function makeDurableFolders(fileSystem: FileSystem, paths: readonly string[]): Promise<void> {
  const parents = new Set<string>();
  for (const path of paths) {
    parents.add(dirname(path));
    for (let missing = path; fileSystem.stat(missing) === undefined; missing = dirname(missing)) {
      parents.add(dirname(missing));
      if (dirname(missing) === missing) break;
    }
    fileSystem.makeFolder(path);
  }
  const inside = new Set(paths);
  for (const parent of parents) {
    try {
      await syncFolder(fileSystem, parent);
    } catch (error) {
      // A folder above the store may belong to somebody else; whoever made the store's own folder there can sync it.
      if (inside.has(parent) || !['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error))) throw error;
    }
  }
}
