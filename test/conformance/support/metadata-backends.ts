import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource, parseDatabaseUrl, type DatabaseTarget } from '@rocknest/config';
import type LibsqlDatabase from 'libsql';
import { TcpProxy } from '../../support/tcp-proxy.js';

/** A fresh, empty database and a way to take it away for a while. */
export interface TestDatabase {
  /** Undefined for the SQLite file of the store folder. */
  readonly url: string | undefined;
  readonly storePath: string;
  breakIt(): Promise<void>;
  mendIt(): Promise<void>;
  drop(): Promise<void>;
}

export interface Backend {
  readonly name: string;
  /** Why the suite does not run on it; undefined when it does. */
  readonly missing: string | undefined;
  create(): Promise<TestDatabase>;
}

/** SQLite always; the others where their variable names a server on which databases may be created. */
export const backends: readonly Backend[] = [
  { name: 'SQLite', missing: undefined, create: createSqlite },
  serverBackend('Postgres', 'TEST_POSTGRES_URL'),
  serverBackend('MySQL', 'TEST_MYSQL_URL'),
  serverBackend('MariaDB', 'TEST_MARIADB_URL'),
];

function storeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'rocknest-metadata-'));
}

/** SQLite is "down" while another process holds the file. */
async function createSqlite(): Promise<TestDatabase> {
  const storePath = storeFolder();
  const Libsql = createRequire(import.meta.url)('libsql') as typeof LibsqlDatabase;
  let holder: LibsqlDatabase.Database | undefined;
  return {
    url: undefined,
    storePath,
    breakIt: async () => {
      holder = new Libsql(join(storePath, 'metadata.db'));
      holder.exec('BEGIN EXCLUSIVE');
    },
    mendIt: async () => {
      holder?.exec('ROLLBACK');
      holder?.close();
      holder = undefined;
    },
    drop: async () => {
      holder?.close();
      rmSync(storePath, { recursive: true, force: true });
    },
  };
}

function serverBackend(name: string, variable: string): Backend {
  const url = process.env[variable];
  return {
    name,
    missing: url ? undefined : `${variable} is not set`,
    create: () => createOnServer(parseDatabaseUrl(url ?? '')),
  };
}

/** A database of its own on the server, reached through a proxy that can be cut. */
async function createOnServer(target: DatabaseTarget): Promise<TestDatabase> {
  if (target.kind === 'sqlite') throw new Error('a server is needed');
  const { kind, host, port, user, password } = target;
  const admin = new DataSource({ type: kind, host, port, username: user, password, database: target.database });
  await admin.initialize();
  const database = `rocknest_test_${process.pid}_${Date.now().toString(36)}_${Math.random().toString(36).slice(2, 8)}`;
  await admin.query(`CREATE DATABASE ${database}`);
  const proxy = await TcpProxy.start(host, port);
  const storePath = storeFolder();
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password ?? '')}`;
  return {
    url: `${kind}://${login}@127.0.0.1:${proxy.port}/${database}`,
    storePath,
    breakIt: () => proxy.cut(),
    mendIt: () => proxy.mend(),
    drop: async () => {
      await proxy.cut();
      await admin.query(kind === 'postgres' ? `DROP DATABASE ${database} WITH (FORCE)` : `DROP DATABASE ${database}`);
      await admin.destroy();
      rmSync(storePath, { recursive: true, force: true });
    },
  };
}
