import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { parseAddress } from './addresses.js';
import { parseDatabaseUrl, redactDatabaseUrl } from './database/database-url.js';
import { PORT_MAX } from './defaults.js';
import { makeSetting, SettingValueError, type Setting, type SettingOptions, type SettingShape } from './setting.js';

interface Range {
  readonly min?: number;
  readonly max?: number;
}
type With<T> = SettingOptions & { readonly default: T };
type Without = SettingOptions & { readonly default?: undefined };

function optional<T>(
  options: SettingOptions & { readonly default?: T | undefined },
  shape: SettingShape<T>,
): Setting<T | undefined> {
  return makeSetting<T | undefined>({ ...options, default: options.default }, shape);
}

function rangeText(what: string, { min, max }: Range): string {
  if (min !== undefined && max !== undefined) return `${what} from ${min} to ${max}`;
  if (min !== undefined) return `${what} of at least ${min}`;
  return max === undefined ? what : `${what} of at most ${max}`;
}

function inRange(value: number, range: Range): boolean {
  return value >= (range.min ?? -Infinity) && value <= (range.max ?? Infinity);
}

function integerShape(kind: 'integer' | 'port', range: Range): SettingShape<number> {
  const allowed = rangeText('a whole number', range);
  const parse = (text: string): number => {
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value) || !inRange(value, range)) {
      throw new SettingValueError(`must be ${allowed}`);
    }
    return value;
  };
  return { kind, typeOf: 'number', allowed, parse };
}

function numberShape(range: Range): SettingShape<number> {
  const allowed = rangeText('a number', range);
  const parse = (text: string): number => {
    const value = Number(text);
    if (text === '' || !Number.isFinite(value) || !inRange(value, range)) {
      throw new SettingValueError(`must be ${allowed}`);
    }
    return value;
  };
  return { kind: 'number', typeOf: 'number', allowed, parse };
}

const booleanShape: SettingShape<boolean> = {
  kind: 'boolean',
  typeOf: 'boolean',
  allowed: 'true or false',
  parse: (text) => {
    const lower = text.toLowerCase();
    if (lower !== 'true' && lower !== 'false') throw new SettingValueError('must be true or false');
    return lower === 'true';
  },
};

function stringShape(pattern: RegExp | undefined, allowed: string | undefined): SettingShape<string> {
  const parse = (text: string): string => {
    if (pattern !== undefined && !pattern.test(text)) throw new SettingValueError(`must be ${allowed}`);
    return text;
  };
  return { kind: 'string', typeOf: 'string', allowed, parse };
}

function oneOfShape<V extends string>(values: readonly V[]): SettingShape<V> {
  const allowed = values.join(', ');
  const parse = (text: string): V => {
    const found = values.find((value) => value.toLowerCase() === text.toLowerCase());
    if (found === undefined) throw new SettingValueError(`must be one of ${allowed}`);
    return found;
  };
  return { kind: 'one of', typeOf: 'string', allowed, parse };
}

const pathShape: SettingShape<string> = {
  kind: 'path',
  typeOf: 'string',
  parse: (text) => {
    if (text === '' || text.includes('\0')) throw new SettingValueError('must be a path');
    return resolve(text === '~' || text.startsWith('~/') ? homedir() + text.slice(1) : text);
  },
};

const addressesShape: SettingShape<string> = {
  kind: 'addresses',
  typeOf: 'string',
  allowed: 'HOST:PORT, several joined by ;',
  parse: (text) => {
    const parts = text.split(';').map((part) => part.trim());
    const addresses = parts.filter((part) => part !== '');
    for (const address of addresses) {
      const problem = parseAddress(address);
      if (typeof problem === 'string')
        throw new SettingValueError(`must be HOST:PORT, several joined by ";": ${problem}`);
    }
    return addresses.join(';');
  },
};

const databaseUrlShape: SettingShape<string> = {
  kind: 'database URL',
  typeOf: 'string',
  allowed: 'postgres://, mysql://, mariadb:// or sqlite:',
  parse: (text) => {
    if (text !== '') parseDatabaseUrl(text);
    return text;
  },
  show: redactDatabaseUrl,
};

/** A database, or etcd, whose address is read where it is used. */
const leaseStoreShape: SettingShape<string> = {
  ...databaseUrlShape,
  allowed: 'postgres://, mysql://, mariadb://, sqlite:, etcd:// or etcds://',
  parse: (text) => (/^etcds?:\/\/./.test(text) ? text : databaseUrlShape.parse(text)),
};

function string(options: With<string> & { pattern?: RegExp; allowed?: string }): Setting<string>;
function string(options: Without & { pattern?: RegExp; allowed?: string }): Setting<string | undefined>;
function string(
  options: SettingOptions & { default?: string; pattern?: RegExp; allowed?: string },
): Setting<string> | Setting<string | undefined> {
  return optional(options, stringShape(options.pattern, options.allowed ?? options.pattern?.source));
}

function integer(options: With<number> & Range): Setting<number>;
function integer(options: Without & Range): Setting<number | undefined>;
function integer(
  options: SettingOptions & { default?: number } & Range,
): Setting<number> | Setting<number | undefined> {
  return optional(options, integerShape('integer', options));
}

function path(options: With<string>): Setting<string>;
function path(options: Without): Setting<string | undefined>;
function path(options: SettingOptions & { default?: string }): Setting<string> | Setting<string | undefined> {
  return optional(options, pathShape);
}

function oneOf<const V extends string>(values: readonly V[], options: With<V>): Setting<V>;
function oneOf<const V extends string>(values: readonly V[], options: Without): Setting<V | undefined>;
function oneOf<const V extends string>(
  values: readonly V[],
  options: SettingOptions & { default?: V },
): Setting<V> | Setting<V | undefined> {
  return optional(options, oneOfShape(values));
}

/** The kinds of settings. Each takes `default`, `description` and, where it helps, `unit`, `section`, `short`, `environment`. */
export const setting = {
  /** Any text, or one that matches `pattern`; `allowed` says the pattern in words. */
  string,
  /** A whole number within `min` and `max`. */
  integer,
  /** A number within `min` and `max`. */
  number: (options: With<number> & Range): Setting<number> => makeSetting(options, numberShape(options)),
  /** A TCP port; 0 asks for any free one. */
  port: (options: With<number>): Setting<number> =>
    makeSetting(options, integerShape('port', { min: 0, max: PORT_MAX })),
  boolean: (options: With<boolean>): Setting<boolean> => makeSetting(options, booleanShape),
  /** One of a few words, in any letter case. */
  oneOf,
  /** A file or folder; `~` is the user's home, a relative path is taken from the working folder. */
  path,
  /** `HOST:PORT;HOST:PORT`, empty for none. */
  addresses: (options: With<string>): Setting<string> => makeSetting(options, addressesShape),
  /** A database URL, empty for the SQLite file in the store folder. Its password is never shown. */
  databaseUrl: (options: With<string>): Setting<string> => makeSetting(options, databaseUrlShape),
  leaseStoreUrl: (options: With<string>): Setting<string> => makeSetting(options, leaseStoreShape),
} as const;
