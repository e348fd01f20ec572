import type { Setting } from './setting.js';
import { environmentName } from './environment.js';

export type SettingsShape = Readonly<Record<string, Setting<unknown>>>;

/** The values of a definition: `SettingsOf<typeof brokerSettings>`. */
export type SettingsOf<D> = D extends SettingsDefinition<infer S> ? SettingValues<S> : never;

export type SettingValues<S> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

/** A rule over several keys. Returns what is wrong, or nothing. */
export type SettingsRule<S> = (values: SettingValues<S>) => string | undefined;

export interface SettingsDefinition<S> {
  readonly settings: S;
  readonly rules: readonly SettingsRule<S>[];
}

/** Keys of the command line itself, which no definition may take. */
export const RESERVED_KEYS: ReadonlySet<string> = new Set([
  'configFile',
  'printConfigItem',
  'printImportantConfig',
  'help',
]);

/**
 * Defines the keys of a program.
 *
 * @param settings the keys, in the order in which help and documents show them.
 * @param rules checks over several keys, run when each value alone is right.
 * @throws Error when two keys would share a flag or an environment variable: a mistake in the program.
 */
export function defineSettings<const S extends SettingsShape>(
  settings: S,
  rules: readonly SettingsRule<S>[] = [],
): SettingsDefinition<S> {
  const taken = new Map<string, string>();
  const take = (name: string, key: string): void => {
    const other = taken.get(name);
    if (other !== undefined) throw new Error(`settings ${other} and ${key} share the name ${name}`);
    taken.set(name, key);
  };
  for (const letter of ['-c', '-p', '-m', '-h']) take(letter, 'the command line');
  for (const [key, item] of Object.entries(settings)) {
    if (RESERVED_KEYS.has(key)) throw new Error(`the key ${key} belongs to the command line`);
    take(environmentName(key), key);
    for (const name of item.environment) take(name, key);
    if (item.short !== undefined) take(`-${item.short}`, key);
  }
  return { settings, rules };
}
