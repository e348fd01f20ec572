import { DatabaseError, databaseError } from './database-error.js';
import { databaseOptions, databaseTarget, type DatabaseSpec } from './database-options.js';
import { describeTarget, type DatabaseTarget } from './database-url.js';
import { DataSource } from './typeorm.js';

/** Held while migrations run, so that two programs that start at once on one database do not both create the tables. */
const MIGRATION_LOCK_NAME = 'rocknest_migrations';
/** The same for Postgres, whose locks are numbers: the letters `rock`. */
const MIGRATION_LOCK_NUMBER = 0x726f636b;
/** s to wait for it: migrations of another program take seconds at most. */
const MIGRATION_LOCK_WAIT_S = 60;

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
    await dataSource.initialize();
    await migrate(dataSource, target);
    await refuseNewer(dataSource, spec, what, name);
    return { dataSource, target, name };
  } catch (error) {
    if (dataSource.isInitialized) await dataSource.destroy().catch(() => undefined);
    throw databaseError(error, what, name, spec.url !== undefined && spec.url !== '');
  }
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
