import type { StoreFile } from './file-system.js';

/** Writes all of `[sourceOffset, sourceOffset + length)`, going on after short writes. Throws what the file throws. */
export function writeFullySync(
  file: StoreFile,
  source: Uint8Array,
  sourceOffset: number,
  length: number,
  position: number,
): void {
  let done = 0;
  while (done < length) {
    const written = file.writeSync(source, sourceOffset + done, length - done, position + done);
    if (written <= 0) throw new Error(`write to ${file.path} at ${position + done} wrote nothing`);
    done += written;
  }
}

/** The same off the event loop. */
export function writeFully(
  file: StoreFile,
  source: Uint8Array,
  sourceOffset: number,
  length: number,
  position: number,
  done: (error: Error | undefined) => void,
): void {
  file.write(source, sourceOffset, length, position, (error, written) => {
    if (error !== undefined) done(error);
    else if (written >= length) done(undefined);
    else if (written <= 0) done(new Error(`write to ${file.path} at ${position} wrote nothing`));
    else writeFully(file, source, sourceOffset + written, length - written, position + written, done);
  });
}

/** The same as a promise: rejects with what the file system says. */
export function writeAll(
  file: StoreFile,
  source: Uint8Array,
  sourceOffset: number,
  length: number,
  position: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    writeFully(file, source, sourceOffset, length, position, (error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

/** Reads until `length` bytes or the end of the file. @returns the bytes read. */
export function readFullySync(
  file: StoreFile,
  target: Uint8Array,
  targetOffset: number,
  length: number,
  position: number,
): number {
  let done = 0;
  while (done < length) {
    const read = file.readSync(target, targetOffset + done, length - done, position + done);
    if (read <= 0) break;
    done += read;
  }
  return done;
}

/** The same off the event loop. */
export function readFully(
  file: StoreFile,
  target: Uint8Array,
  targetOffset: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let done = 0;
    const next = (): void => {
      file.read(target, targetOffset + done, length - done, position + done, (error, read) => {
        if (error !== undefined) return reject(error);
        done += read;
        if (read <= 0 || done >= length) resolve(done);
        else next();
      });
    };
    if (length === 0) resolve(0);
    else next();
  });
}

/** A whole small file, or undefined when it does not exist. */
export function readSmallFile(
  fileSystem: { open(path: string): StoreFile; stat(path: string): { sizeBytes: number } | undefined },
  path: string,
  limitBytes: number,
): Buffer | undefined {
  const stat = fileSystem.stat(path);
  if (stat === undefined) return undefined;
  const file = fileSystem.open(path);
  try {
    const content = Buffer.alloc(Math.min(stat.sizeBytes, limitBytes));
    return content.subarray(0, readFullySync(file, content, 0, content.length, 0));
  } finally {
    file.close();
  }
}
