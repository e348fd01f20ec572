import { createRequire } from 'node:module';
import {
  DATABASE_CONNECT_TIMEOUT_MS,
  DATABASE_POOL_SIZE,
  DATABASE_QUERY_TIMEOUT_MS,
  SQLITE_BUSY_TIMEOUT_MS,
} from '../defaults.js';
import { parseDatabaseUrl, type DatabaseTarget, type ServerTarget, type TlsMode } from './database-url.js';
import type { DataSourceOptions, EntitySchema, MigrationInterface } from './typeorm.js';

export interface DatabaseSpec {
  /** `DATABASE_URL`; empty or undefined means the SQLite file. */
  readonly url?: string | undefined;
  /** File used without a URL. */
  readonly sqliteFile: string;
  readonly entities: readonly EntitySchema[];
  readonly migrations: readonly (new () => MigrationInterface)[];
  /** Table that remembers which migrations ran. Programs that share a database need one each. */
  readonly migrationsTable: string;
}

/** Where a specification points to. */
export function databaseTarget(spec: Pick<DatabaseSpec, 'url' | 'sqliteFile'>): DatabaseTarget {
  if (spec.url === undefined || spec.url === '') return { kind: 'sqlite', file: spec.sqliteFile };
  return parseDatabaseUrl(spec.url);
}

/**
 * TypeORM's options for a specification: SQLite through libsql (in WAL mode: what is committed survives a killed process), Postgres
 * through pg, MySQL and MariaDB through mysql2.
 *
 * @throws SettingValueError when the URL cannot be read.
 */
export function databaseOptions(spec: DatabaseSpec): DataSourceOptions {
  const target = databaseTarget(spec);
  const common = {
    entities: [...spec.entities],
    migrations: [...spec.migrations],
    migrationsTableName: spec.migrationsTable,
    logging: false,
  };
  switch (target.kind) {
    case 'sqlite':
      return {
        ...common,
        type: 'better-sqlite3',
        driver: loadLibsql(),
        database: target.file,
        enableWAL: target.file !== ':memory:',
        timeout: SQLITE_BUSY_TIMEOUT_MS,
        // Batches of different sizes are different statements: a few are worth keeping, a hundred long ones are not.
        statementCacheSize: 24,
        prepareDatabase: useNormalSync,
      };
    case 'postgres':
      return {
        ...common,
        ...login(target),
        type: 'postgres',
        poolSize: DATABASE_POOL_SIZE,
        connectTimeoutMS: DATABASE_CONNECT_TIMEOUT_MS,
        ...(target.schema === undefined ? {} : { schema: target.schema }),
        ssl: tlsOptions(target.tls) ?? false,
        applicationName: 'rocknest',
        // Nothing here needs an extension of Postgres, and creating one takes rights that an ordinary user does not have.
        installExtensions: false,
        extra: { query_timeout: DATABASE_QUERY_TIMEOUT_MS, keepAlive: true },
      };
    case 'mysql':
    case 'mariadb': {
      const ssl = tlsOptions(target.tls);
      return {
        ...common,
        ...login(target),
        type: target.kind,
        poolSize: DATABASE_POOL_SIZE,
        connectTimeout: DATABASE_CONNECT_TIMEOUT_MS,
        charset: 'utf8mb4_bin',
        ...(ssl === undefined ? {} : { ssl }),
        extra: { enableKeepAlive: true },
      };
    }
  }
}

function login(target: ServerTarget): {
  host: string;
  port: number;
  username: string;
  password?: string;
  database: string;
} {
  return {
    host: target.host,
    port: target.port,
    username: target.user,
    ...(target.password === undefined ? {} : { password: target.password }),
    database: target.database,
  };
}

function tlsOptions(mode: TlsMode): { rejectUnauthorized: boolean } | undefined {
  return mode === 'off' ? undefined : { rejectUnauthorized: mode === 'checked' };
}

/** libsql is native code: it is loaded only when SQLite is used. */
function loadLibsql(): unknown {
  return createRequire(import.meta.url)('libsql') as unknown;
}

/**
 * In WAL mode a commit is in the file before it returns, whatever `synchronous` says; FULL would add an fsync to each, against a power
 * failure. `DatabaseWriter.transaction` asks for it where it matters.
 */
function useNormalSync(connection: { pragma(text: string): unknown }): void {
  connection.pragma('synchronous = NORMAL');
}
