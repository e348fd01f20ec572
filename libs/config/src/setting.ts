/** What a value is, for help texts and documents. */
export type SettingKind =
  'string' | 'integer' | 'number' | 'port' | 'boolean' | 'one of' | 'path' | 'addresses' | 'database URL';

/**
 * One key of a configuration: its default, how its text is read and shown. Make them with the functions of {@link setting}.
 */
export interface Setting<T> {
  readonly kind: SettingKind;
  /** The default in the form a user would write (paths may begin with `~`). `undefined`: not set. */
  readonly default: T;
  readonly description: string;
  /** `ms`, `bytes`, `s`, ...: what a number counts. */
  readonly unit: string | undefined;
  readonly section: string | undefined;
  /** Letter of the short flag: `n` for `-n`. */
  readonly short: string | undefined;
  /** Environment variables beside `ROCKNEST_...` that set it, such as RocketMQ's `NAMESRV_ADDR`. */
  readonly environment: readonly string[];
  /** Shown by `-m`. */
  readonly important: boolean;
  /** May be changed while the program runs. */
  readonly dynamic: boolean;
  /** The values or the range allowed, in words. */
  readonly allowed: string | undefined;
  /** The usable default (a path made absolute). */
  initial(): T;
  /** Reads a text. Throws {@link SettingValueError} when it is not of the kind. */
  parse(text: string): T;
  /** Checks a value that a program hands over. Throws {@link SettingValueError}. */
  check(value: unknown): T;
  /** The value as it may be shown: passwords are left out. */
  show(value: T): string;
}

/** A value is not what its setting allows. The message completes the sentence `listenPort=x ...`. */
export class SettingValueError extends Error {}

export interface SettingOptions {
  readonly description: string;
  readonly unit?: string;
  readonly section?: string;
  readonly short?: string;
  readonly environment?: readonly string[];
  readonly important?: boolean;
  readonly dynamic?: boolean;
}

/** What the kinds differ in. */
export interface SettingShape<T> {
  readonly kind: SettingKind;
  readonly typeOf: 'string' | 'number' | 'boolean';
  readonly allowed?: string;
  parse(text: string): T;
  show?(value: T): string;
}

/** Puts a setting together from its options and its kind. `undefined` as the default makes the setting optional. */
export function makeSetting<T>(options: SettingOptions & { readonly default: T }, shape: SettingShape<T>): Setting<T> {
  const parse = (text: string): T => shape.parse(text.trim());
  return {
    kind: shape.kind,
    default: options.default,
    description: options.description,
    unit: options.unit,
    section: options.section,
    short: options.short,
    environment: options.environment ?? [],
    important: options.important ?? false,
    dynamic: options.dynamic ?? false,
    allowed: shape.allowed,
    initial: () => (options.default === undefined ? options.default : parse(String(options.default))),
    parse,
    check: (value) => {
      if (typeof value !== shape.typeOf) {
        throw new SettingValueError(`must be a ${shape.typeOf}, not ${value === null ? 'null' : typeof value}`);
      }
      return parse(String(value));
    },
    show: (value) => {
      if (value === undefined) return '';
      return shape.show ? shape.show(value) : String(value);
    },
  };
}
