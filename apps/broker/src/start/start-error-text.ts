import { RocknestError } from '@rocknest/protocol';

const PATH_PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the disk',
  ENOTDIR: 'a part of the path is not a folder',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
};

/** What to print when the broker cannot start: one clear message where the reason is known, otherwise all there is. */
export function startErrorText(error: unknown): string {
  if (error instanceof RocknestError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  const problem = code === undefined ? undefined : PATH_PROBLEMS[code];
  if (problem === undefined) return error.stack ?? error.message;
  return path === undefined ? problem : `cannot use ${path}: ${problem}`;
}
