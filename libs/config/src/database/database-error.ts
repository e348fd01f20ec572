import { RocknestError } from '@rocknest/protocol';

export type DatabaseErrorCode =
  | 'DATABASE_UNREACHABLE' // nobody answers, or the connection broke
  | 'DATABASE_LOGIN_REFUSED'
  | 'DATABASE_NOT_FOUND' // the server answers, and has no such database
  | 'DATABASE_FILE' // the SQLite file cannot be opened, read or written
  | 'DATABASE_DAMAGED' // the SQLite file is none, or damaged
  | 'DATABASE_LOCKED'
  | 'DATABASE_FULL'
  | 'DATABASE_NEWER' // a newer version changed its tables
  | 'DATABASE_FAILED'; // anything else: the cause has it

/** The database could not be opened or written. The message names it (never its password) and says what to do. */
export class DatabaseError extends RocknestError {
  declare readonly code: DatabaseErrorCode;

  constructor(code: DatabaseErrorCode, message: string, cause: unknown, database: string) {
    super(code, message, { cause, retriable: RETRIABLE.has(code), details: { database } });
  }
}

const RETRIABLE: ReadonlySet<DatabaseErrorCode> = new Set(['DATABASE_UNREACHABLE', 'DATABASE_LOCKED', 'DATABASE_FULL']);

const CODE_BY_DRIVER_CODE: Readonly<Record<string, DatabaseErrorCode>> = {
  ECONNREFUSED: 'DATABASE_UNREACHABLE',
  ECONNRESET: 'DATABASE_UNREACHABLE',
  EPIPE: 'DATABASE_UNREACHABLE',
  ETIMEDOUT: 'DATABASE_UNREACHABLE',
  ENOTFOUND: 'DATABASE_UNREACHABLE',
  EAI_AGAIN: 'DATABASE_UNREACHABLE',
  EHOSTUNREACH: 'DATABASE_UNREACHABLE',
  ENETUNREACH: 'DATABASE_UNREACHABLE',
  PROTOCOL_CONNECTION_LOST: 'DATABASE_UNREACHABLE',
  ER_CON_COUNT_ERROR: 'DATABASE_UNREACHABLE',
  ER_SERVER_SHUTDOWN: 'DATABASE_UNREACHABLE',
  // Postgres: shut down by the administrator, crash, cannot connect now, too many connections
  '57P01': 'DATABASE_UNREACHABLE',
  '57P02': 'DATABASE_UNREACHABLE',
  '57P03': 'DATABASE_UNREACHABLE',
  '53300': 'DATABASE_UNREACHABLE',
  '28P01': 'DATABASE_LOGIN_REFUSED',
  '28000': 'DATABASE_LOGIN_REFUSED',
  ER_ACCESS_DENIED_ERROR: 'DATABASE_LOGIN_REFUSED',
  ER_DBACCESS_DENIED_ERROR: 'DATABASE_LOGIN_REFUSED',
  '3D000': 'DATABASE_NOT_FOUND',
  ER_BAD_DB_ERROR: 'DATABASE_NOT_FOUND',
  // the folder of a SQLite file cannot be made
  EACCES: 'DATABASE_FILE',
  EPERM: 'DATABASE_FILE',
  EROFS: 'DATABASE_FILE',
  EEXIST: 'DATABASE_FILE',
  ENOTDIR: 'DATABASE_FILE',
  ENAMETOOLONG: 'DATABASE_FILE',
  ENOSPC: 'DATABASE_FULL',
  SQLITE_NOTADB: 'DATABASE_DAMAGED',
  SQLITE_CORRUPT: 'DATABASE_DAMAGED',
  SQLITE_READONLY: 'DATABASE_FILE',
  SQLITE_CANTOPEN: 'DATABASE_FILE',
  SQLITE_IOERR: 'DATABASE_FILE',
  // Of the file that is shared memory: there is no other reason for it.
  SQLITE_IOERR_SHMSIZE: 'DATABASE_FULL',
  SQLITE_BUSY: 'DATABASE_LOCKED',
  SQLITE_LOCKED: 'DATABASE_LOCKED',
  SQLITE_FULL: 'DATABASE_FULL',
  '53100': 'DATABASE_FULL',
};

/** Drivers give some failures no code of their own. */
const CODE_BY_TEXT: readonly (readonly [RegExp, DatabaseErrorCode])[] = [
  [/^Connection terminated|timeout expired|timeout exceeded|Query read timeout|closed state/i, 'DATABASE_UNREACHABLE'],
  [/Unable to open connection to local database/, 'DATABASE_FILE'],
];

/** What kind of failure a driver's or TypeORM's error is. */
export function classifyDatabaseError(error: unknown): DatabaseErrorCode {
  for (let current: unknown = error; current instanceof Error; current = inner(current)) {
    const code = 'code' in current ? String(current.code) : '';
    const byCode = CODE_BY_DRIVER_CODE[code] ?? CODE_BY_DRIVER_CODE[code.split('_').slice(0, 2).join('_')];
    if (byCode !== undefined) return byCode;
    if (/^08\d\d\w$/.test(code)) return 'DATABASE_UNREACHABLE';
    const { message } = current;
    const byText = CODE_BY_TEXT.find(([pattern]) => pattern.test(message));
    if (byText !== undefined) return byText[1];
  }
  return 'DATABASE_FAILED';
}

function inner(error: Error): unknown {
  if ('driverError' in error && error.driverError !== error) return error.driverError;
  if (error instanceof AggregateError) return error.errors[0];
  return error.cause;
}

const ADVICE: Readonly<Record<DatabaseErrorCode, string>> = {
  DATABASE_UNREACHABLE: 'Start it, or correct databaseUrl (DATABASE_URL)',
  DATABASE_LOGIN_REFUSED: 'Correct the user and password in databaseUrl (DATABASE_URL)',
  DATABASE_NOT_FOUND: 'Create it (CREATE DATABASE ...), or correct databaseUrl (DATABASE_URL)',
  DATABASE_FILE: 'Check that the folder exists, is writable and has room, and that the file is a SQLite database',
  DATABASE_DAMAGED:
    'Nothing in it was changed. Put it back from a backup; without one, move it away together with the files beside it whose names continue with ' +
    '-wal and -shm: an empty one is made then, and what it held must be made again',
  DATABASE_LOCKED: 'Another process holds it: stop that one, or give this one a store folder of its own',
  DATABASE_FULL: 'Make room on its disk',
  DATABASE_NEWER: 'Start the newer version, or use another database',
  DATABASE_FAILED: 'See the reason',
};

/** Wraps a failure. `what` begins the sentence: `The database of the broker's metadata`. */
export function databaseError(error: unknown, what: string, database: string, usesUrl: boolean): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const code = classifyDatabaseError(error);
  const fallback =
    usesUrl && code !== 'DATABASE_FAILED' ? '; without databaseUrl a SQLite file in the store folder is used' : '';
  const message = `${what} (${database}) cannot be used: ${reasonOf(error)}. ${ADVICE[code]}${fallback}.`;
  return new DatabaseError(code, message, error, database);
}

/** The first line of the innermost message that says something. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const deeper = inner(error);
  if (deeper instanceof Error && (error.message === '' || 'driverError' in error)) return reasonOf(deeper);
  const text = error.message.split('\n')[0] ?? '';
  // SQLite's text for all of them is "disk I/O error".
  if ('code' in error && String(error.code).startsWith('SQLITE_IOERR')) return `${text} (${String(error.code)})`;
  return text === '' && 'code' in error ? String(error.code) : text.replace(/\.$/, '');
}
