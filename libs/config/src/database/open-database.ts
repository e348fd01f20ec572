import { statSync } from 'node:fs';
import { DatabaseError, databaseError } from './database-error.js';
import { databaseOptions, databaseTarget, type DatabaseSpec } from './database-options.js';
import { describeTarget, type DatabaseTarget, type SqliteTarget } from './database-url.js';
import { DataSource } from './typeorm.js';

/** Held while migrations run, so that two programs that start at once on one database do not both create the tables. */
const MIGRATION_LOCK_NAME = 'rocknest_migrations';
/** The same for Postgres, whose locks are numbers: the letters `rock`. */
const MIGRATION_LOCK_NUMBER = 0x726f636b;
/** s to wait for it: migrations of another program take seconds at most. */
const MIGRATION_LOCK_WAIT_S = 60;

/** Larger files are not checked at a start: reading 32 MiB takes some 100 ms. */
const CHECKED_FILE_MAX_BYTES = 32 * 1024 * 1024;

export interface OpenDatabase {
  readonly dataSource: DataSource;
  readonly target: DatabaseTarget;
  /** For messages; has no password. */
  readonly name: string;
}

/**
 * Opens a database and brings its tables to the newest form.
 *
 * @param what how messages call it: `The database of the broker's metadata`.
 * @throws DatabaseError that says what is wrong and what to do.
 */
export async function openDatabase(spec: DatabaseSpec, what: string): Promise<OpenDatabase> {
  const target = databaseTarget(spec);
  const name = describeTarget(target);
  const dataSource = new DataSource(databaseOptions(spec));
  try {
    if (target.kind === 'sqlite') refuseLoneLog(target, what);
    await dataSource.initialize();
    if (target.kind === 'sqlite') await refuseDamaged(dataSource, target, what);
    await migrate(dataSource, target);
    await refuseNewer(dataSource, spec, what, name);
    return { dataSource, target, name };
  } catch (error) {
    if (dataSource.isInitialized) await dataSource.destroy().catch(() => undefined);
    throw databaseError(error, what, name, spec.url !== undefined && spec.url !== '');
  }
}

/** A log without its database: SQLite would drop it, and with it the last changes. */
function refuseLoneLog({ file }: SqliteTarget, what: string): void {
  const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const log = `${file}-wal`;
  if (file === ':memory:' || sizeOf(file) > 0 || sizeOf(log) === 0) return;
  const message =
    `${what} (${file}) is missing or empty, but ${log} has changes that belong to it. Nothing was changed. Put ${file} back, ` +
    `or move ${log} away: an empty database is made then, and what it held must be made again.`;
  throw new DatabaseError('DATABASE_DAMAGED', message, undefined, file);
}

/** A damaged file may work for a while, and lose what is written meanwhile. */
async function refuseDamaged(dataSource: DataSource, { file }: SqliteTarget, what: string): Promise<void> {
  if (file === ':memory:' || statSync(file).size > CHECKED_FILE_MAX_BYTES) return;
  const [row] = await dataSource.query<{ quick_check: string }[]>('PRAGMA quick_check(1)');
  if (row === undefined || row.quick_check === 'ok') return;
  const cause = Object.assign(new Error(row.quick_check.split('\n').slice(0, 2).join(' ')), { code: 'SQLITE_CORRUPT' });
  throw databaseError(cause, what, file, false);
}

/** A table that a newer version has changed must not be written by this one. */
async function refuseNewer(dataSource: DataSource, spec: DatabaseSpec, what: string, name: string): Promise<void> {
  const known = new Set(spec.migrations.map(({ name: migration }) => migration));
  const rows = await dataSource.query<{ name: string }[]>(`SELECT name FROM ${spec.migrationsTable}`);
  const newer = rows.map((row) => row.name).filter((migration) => !known.has(migration));
  if (newer.length === 0) return;
  const message = `${what} (${name}) was changed by a newer version of Rocknest (${newer.join(', ')}). Start that version, or use another database.`;
  throw new DatabaseError('DATABASE_NEWER', message, undefined, name);
}

async function migrate(dataSource: DataSource, target: DatabaseTarget): Promise<void> {
  if (target.kind === 'sqlite') return migrateFile(dataSource);
  const postgres = target.kind === 'postgres';
  // A lock belongs to its connection, so it has one of its own.
  const holder = dataSource.createQueryRunner();
  try {
    if (postgres) await holder.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK_NUMBER]);
    else await holder.query('SELECT GET_LOCK(?, ?)', [MIGRATION_LOCK_NAME, MIGRATION_LOCK_WAIT_S]);
    await dataSource.runMigrations();
  } finally {
    const release = postgres
      ? holder.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK_NUMBER])
      : holder.query('SELECT RELEASE_LOCK(?)', [MIGRATION_LOCK_NAME]);
    await release.catch(() => undefined);
    await holder.release();
  }
}

/** The file has one connection here, and a lock of its own: whoever comes second waits for it, and finds the tables made. */
async function migrateFile(dataSource: DataSource): Promise<void> {
  await dataSource.query('BEGIN IMMEDIATE');
  try {
    await dataSource.runMigrations({ transaction: 'none' });
    await dataSource.query('COMMIT');
  } catch (error) {
    await dataSource.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
