import type { StoreFile } from '../io/file-system.js';
import { writeFully } from '../io/transfer.js';

/** Writes the first `length` bytes at the position, off the event loop. */
export function writeAt(file: StoreFile, bytes: Buffer, length: number, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    writeFully(file, bytes, 0, length, position, (error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

/** `fdatasync`, off the event loop. */
export function syncData(file: StoreFile): Promise<void> {
  return new Promise((resolve, reject) => {
    file.syncData((error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}
