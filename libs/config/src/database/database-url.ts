import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { SettingValueError } from '../setting.js';

export type DatabaseKind = 'sqlite' | 'postgres' | 'mysql' | 'mariadb';

/** How a server's certificate is treated: not encrypted, encrypted but unchecked, encrypted and checked. */
export type TlsMode = 'off' | 'unchecked' | 'checked';

export interface SqliteTarget {
  readonly kind: 'sqlite';
  /** Absolute path, or `:memory:`. */
  readonly file: string;
}

export interface ServerTarget {
  readonly kind: 'postgres' | 'mysql' | 'mariadb';
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly tls: TlsMode;
  /** Postgres schema. */
  readonly schema: string | undefined;
}

export type DatabaseTarget = SqliteTarget | ServerTarget;

interface ServerKind {
  readonly kind: ServerTarget['kind'];
  readonly defaultPort: number;
  readonly parameters: readonly string[];
}

const SERVER_KINDS: Readonly<Record<string, ServerKind>> = {
  'postgres:': { kind: 'postgres', defaultPort: 5432, parameters: ['sslmode', 'schema'] },
  'postgresql:': { kind: 'postgres', defaultPort: 5432, parameters: ['sslmode', 'schema'] },
  'mysql:': { kind: 'mysql', defaultPort: 3306, parameters: ['sslmode'] },
  'mariadb:': { kind: 'mariadb', defaultPort: 3306, parameters: ['sslmode'] },
};

const TLS_BY_SSLMODE: Readonly<Record<string, TlsMode>> = {
  disable: 'off',
  require: 'unchecked',
  'verify-full': 'checked',
};

const FORMS =
  'postgres://USER:PASSWORD@HOST:5432/DATABASE, mysql://USER:PASSWORD@HOST:3306/DATABASE, mariadb://... or sqlite:/PATH/FILE.db';

/**
 * Reads a database URL.
 *
 * @throws SettingValueError that says what is wrong, without ever repeating the password.
 */
export function parseDatabaseUrl(text: string): DatabaseTarget {
  if (text.startsWith('sqlite:')) return sqliteTarget(text.slice('sqlite:'.length));
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new SettingValueError(
      `is not a URL. Use ${FORMS}; characters such as @ : / # ? in a password are written %40 %3A %2F %23 %3F`,
    );
  }
  const server = Object.hasOwn(SERVER_KINDS, url.protocol) ? SERVER_KINDS[url.protocol] : undefined;
  if (server === undefined) {
    throw new SettingValueError(`names a database "${url.protocol}//" that Rocknest does not know. Use ${FORMS}`);
  }
  const database = decode(url.pathname.slice(1), 'database name');
  if (url.hostname === '') throw new SettingValueError(`has no host. Use ${FORMS}`);
  if (database === '' || database.includes('/')) throw new SettingValueError(`has no database name. Use ${FORMS}`);
  if (url.username === '') throw new SettingValueError(`has no user. Use ${FORMS}`);
  return {
    kind: server.kind,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? server.defaultPort : Number(url.port),
    user: decode(url.username, 'user'),
    password: url.password === '' ? undefined : decode(url.password, 'password'),
    database,
    ...parameters(url, server),
  };
}

/** The URL as it may be shown: `***` where the password stood, nothing at all when it cannot be read. */
export function redactDatabaseUrl(text: string): string {
  if (text === '' || text.startsWith('sqlite:')) return text;
  try {
    const url = new URL(text);
    if (url.password !== '') url.password = '***';
    return url.href;
  } catch {
    return '***';
  }
}

/** A target in words, for messages: `postgres://user@host:5432/database`. */
export function describeTarget(target: DatabaseTarget): string {
  if (target.kind === 'sqlite') return target.file;
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return `${target.kind}://${target.user}@${host}:${target.port}/${target.database}`;
}

function sqliteTarget(rest: string): SqliteTarget {
  const path = rest.startsWith('//') ? rest.slice(2) : rest;
  if (path === '') throw new SettingValueError('has no file. Use sqlite:/PATH/FILE.db');
  if (path === ':memory:') return { kind: 'sqlite', file: path };
  return { kind: 'sqlite', file: resolve(path.startsWith('~/') ? homedir() + path.slice(1) : path) };
}

function parameters(url: URL, server: ServerKind): Pick<ServerTarget, 'tls' | 'schema'> {
  let tls: TlsMode = 'off';
  let schema: string | undefined;
  for (const [name, value] of url.searchParams) {
    if (!server.parameters.includes(name)) {
      throw new SettingValueError(`has an unknown parameter "${name}"; known are ${server.parameters.join(', ')}`);
    }
    if (name === 'schema') schema = value;
    if (name !== 'sslmode') continue;
    const mode = Object.hasOwn(TLS_BY_SSLMODE, value) ? TLS_BY_SSLMODE[value] : undefined;
    if (mode === undefined) {
      throw new SettingValueError(`has sslmode=${value}; use ${Object.keys(TLS_BY_SSLMODE).join(', ')}`);
    }
    tls = mode;
  }
  return { tls, schema };
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new SettingValueError(`has a ${what} with a broken % escape; a % itself is written %25`);
  }
}
