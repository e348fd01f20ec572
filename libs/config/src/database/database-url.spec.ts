import { describe, expect, it } from 'vitest';
import { describeTarget, parseDatabaseUrl, redactDatabaseUrl } from './database-url.js';

describe('parseDatabaseUrl', () => {
  it('reads the URLs of servers', () => {
    expect(parseDatabaseUrl('postgres://me:p%40ss@db:6543/bus?sslmode=require&schema=mq')).toEqual({
      kind: 'postgres',
      host: 'db',
      port: 6543,
      user: 'me',
      password: 'p@ss',
      database: 'bus',
      tls: 'unchecked',
      schema: 'mq',
    });
    expect(parseDatabaseUrl('postgresql://me@[::1]/bus')).toMatchObject({ host: '::1', port: 5432, tls: 'off' });
    expect(parseDatabaseUrl('mysql://me@db/bus')).toMatchObject({ kind: 'mysql', port: 3306, password: undefined });
    expect(parseDatabaseUrl('mariadb://me@db/bus')).toMatchObject({ kind: 'mariadb' });
  });

  it('reads SQLite files', () => {
    expect(parseDatabaseUrl('sqlite:/var/bus.db')).toEqual({ kind: 'sqlite', file: '/var/bus.db' });
    expect(parseDatabaseUrl('sqlite:///var/bus.db')).toEqual({ kind: 'sqlite', file: '/var/bus.db' });
    expect(parseDatabaseUrl('sqlite::memory:')).toEqual({ kind: 'sqlite', file: ':memory:' });
  });

  it.each([
    ['db.example/bus', 'is not a URL'],
    ['oracle://me@db/bus', 'oracle://'],
    ['postgres://me@db', 'no database name'],
    ['postgres://db/bus', 'no user'],
    ['postgres://me@db/bus?ssl=1', 'unknown parameter "ssl"'],
    ['mysql://me@db/bus?sslmode=maybe', 'sslmode=maybe'],
    ['postgres://me:50%@db/bus', 'password'],
    ['sqlite:', 'no file'],
  ])('says what is wrong with %s', (url, message) => {
    expect(() => parseDatabaseUrl(url)).toThrow(message);
  });

  it('never shows a password', () => {
    expect(redactDatabaseUrl('mysql://me:s3cret@db/bus')).toBe('mysql://me:***@db/bus');
    expect(redactDatabaseUrl('mysql://me:s3cret')).not.toContain('s3cret');
    expect(describeTarget(parseDatabaseUrl('mysql://me:s3cret@db/bus'))).toBe('mysql://me@db:3306/bus');
  });
});
