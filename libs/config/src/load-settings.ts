import { readCommandLine, type CommandLineAction } from './command-line.js';
import { readConfigFile } from './config-file.js';
import { ENVIRONMENT_PREFIX, environmentName } from './environment.js';
import { suggestion } from './nearest-key.js';
import type { SettingsInForce } from './live-settings.js';
import { helpText } from './print/help-text.js';
import { printSettings } from './print/print-settings.js';
import { ConfigError, type ConfigProblem } from './problems.js';
import type { RawValue } from './raw-value.js';
import { refusedValue } from './refused-values.js';
import { ROCKETMQ_KEYS } from './rocketmq-keys.js';
import { describeSource, type SettingSource } from './setting-source.js';
import { SettingValueError } from './setting.js';
import type { SettingsDefinition, SettingsShape, SettingValues } from './settings-definition.js';

/** Environment variable that names the conf file, as `-c` does. */
const CONFIG_FILE_ENVIRONMENT = environmentName('configFile');

export interface LoadOptions {
  /** Flags without the program: `process.argv.slice(2)`. */
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Name for the help text: `broker`. */
  readonly program: string;
  /** Keys of the sister programs: accepted with the same warning as RocketMQ's own that have no effect. */
  readonly foreignKeys?: Iterable<string>;
}

export interface LoadedSettings<S> extends SettingsInForce<S> {
  /** What the flags ask for. For all but `run` print `output` and end with code 0. */
  readonly action: CommandLineAction;
  /** The help (`help`) or the configuration in force (`print`, `printImportant`), empty for `run`. */
  readonly output: string;
  /** The configuration in force, whatever the action. */
  readonly printable: string;
  readonly help: string;
  readonly configFile: string | undefined;
  /** Lines to log: keys without effect, doubles. */
  readonly warnings: readonly string[];
}

/**
 * Loads a program's settings: defaults, then the conf file, then the environment, then flags; the later wins.
 *
 * @throws ConfigError with every problem at once: unknown keys (with the nearest known one, file and line), values that are not of
 * their kind, rules over several keys, a conf file that cannot be read. Not thrown when help is asked for.
 */
export function loadSettings<S extends SettingsShape>(
  definition: SettingsDefinition<S>,
  options: LoadOptions,
): LoadedSettings<S> {
  const env = options.env ?? {};
  const commandLine = readCommandLine(options.argv ?? [], definition.settings);
  const help = helpText(options.program, definition.settings);
  const configFile = commandLine.configFile ?? (env[CONFIG_FILE_ENVIRONMENT] || undefined);
  const file = configFile === undefined ? undefined : readConfigFile(configFile);

  const merger = new Merger(definition, options.foreignKeys ?? []);
  merger.problems.push(...(file?.problems ?? []));
  for (const raw of file?.values ?? []) merger.add(raw);
  for (const raw of environmentValues(env, definition.settings)) merger.add(raw);
  merger.problems.push(...commandLine.problems);
  for (const raw of commandLine.values) merger.add(raw);
  merger.applyRules();

  if (merger.problems.length > 0 && commandLine.action !== 'help') throw new ConfigError(merger.problems);
  const { values, sources } = merger;
  const printable = printSettings(definition.settings, values, sources);
  const important = printSettings(definition.settings, values, sources, (item) => item.important);
  const output = { run: '', help, print: printable, printImportant: important }[commandLine.action];
  const warnings = [...(file?.warnings ?? []), ...merger.warnings()];
  return { values, sources, action: commandLine.action, output, printable, help, configFile, warnings };
}

/**
 * Settings for a program that is started by another one (embedded, in a test): defaults, and what is handed over.
 *
 * @throws ConfigError with every unknown key and wrong value. A value of `undefined` means the default.
 */
export function settingsFrom<S extends SettingsShape>(
  definition: SettingsDefinition<S>,
  given: Partial<SettingValues<S>> = {},
): SettingValues<S> {
  return settingsInForce(definition, given).values;
}

/** The same with the source of each value. */
export function settingsInForce<S extends SettingsShape>(
  definition: SettingsDefinition<S>,
  given: Partial<SettingValues<S>> = {},
): SettingsInForce<S> {
  const merger = new Merger(definition, []);
  for (const [key, value] of Object.entries(given)) if (value !== undefined) merger.addValue(key, value);
  merger.applyRules();
  if (merger.problems.length > 0) throw new ConfigError(merger.problems);
  return { values: merger.values, sources: merger.sources };
}

function* environmentValues(
  env: Readonly<Record<string, string | undefined>>,
  settings: SettingsShape,
): Generator<RawValue> {
  const keys = new Map<string, string>();
  for (const key of ROCKETMQ_KEYS) keys.set(environmentName(key), key);
  for (const key of Object.keys(settings)) keys.set(environmentName(key), key);
  // Other names first: the key's own name wins over NAMESRV_ADDR and the like.
  for (const [key, item] of Object.entries(settings)) {
    for (const name of [...item.environment, environmentName(key)]) {
      const text = env[name];
      if (text !== undefined && text !== '') yield { key, text, source: { from: 'environment', name } };
    }
  }
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(ENVIRONMENT_PREFIX) || name === CONFIG_FILE_ENVIRONMENT) continue;
    if (text === undefined || text === '') continue;
    const key = keys.get(name);
    if (key !== undefined && Object.hasOwn(settings, key)) continue;
    yield { key: key ?? name, text, source: { from: 'environment', name } };
  }
}

/** Lays one source over the other and collects what is wrong. */
class Merger<S extends SettingsShape> {
  readonly values: SettingValues<S>;
  readonly sources: { readonly [K in keyof S]: SettingSource };
  readonly problems: ConfigProblem[] = [];
  private readonly writable: Record<string, unknown> = {};
  private readonly writableSources: Record<string, SettingSource> = {};
  private readonly withoutEffect = new Set<string>();
  private readonly foreignKeys: ReadonlySet<string>;

  constructor(
    private readonly definition: SettingsDefinition<S>,
    foreignKeys: Iterable<string>,
  ) {
    this.foreignKeys = new Set(foreignKeys);
    for (const [key, item] of Object.entries(definition.settings)) {
      this.writable[key] = item.initial();
      this.writableSources[key] = { from: 'default' };
    }
    this.values = this.writable as SettingValues<S>;
    this.sources = this.writableSources as { readonly [K in keyof S]: SettingSource };
  }

  add({ key, text, source }: RawValue): void {
    if (!this.known(key, text, source)) return;
    this.set(key, source, () => this.definition.settings[key]?.parse(text), text);
  }

  addValue(key: string, value: unknown): void {
    const source: SettingSource = { from: 'program' };
    if (!Object.hasOwn(this.definition.settings, key)) {
      this.problems.push({ where: describeSource(source), key, message: this.unknownKey(key, source) });
      return;
    }
    this.set(key, source, () => this.definition.settings[key]?.check(value), String(value));
  }

  applyRules(): void {
    if (this.problems.length > 0) return;
    for (const rule of this.definition.rules) {
      const message = rule(this.values);
      if (message !== undefined) this.problems.push({ where: 'together', key: undefined, message });
    }
  }

  warnings(): string[] {
    if (this.withoutEffect.size === 0) return [];
    return [`has no effect here: ${[...this.withoutEffect].join(', ')} (keys that Rocknest accepts and does not need)`];
  }

  private known(key: string, text: string, source: SettingSource): boolean {
    if (Object.hasOwn(this.definition.settings, key)) return true;
    const where = describeSource(source);
    if (ROCKETMQ_KEYS.has(key) || this.foreignKeys.has(key) || this.foreignEnvironment(key)) {
      const refused = refusedValue(key, text);
      if (refused !== undefined) this.problems.push({ where, key, message: refused });
      else this.withoutEffect.add(key);
      return false;
    }
    this.problems.push({ where, key, message: this.unknownKey(key, source) });
    return false;
  }

  private foreignEnvironment(name: string): boolean {
    if (!name.startsWith(ENVIRONMENT_PREFIX)) return false;
    for (const key of this.foreignKeys) if (environmentName(key) === name) return true;
    return false;
  }

  private unknownKey(key: string, source: SettingSource): string {
    const known = Object.keys(this.definition.settings);
    if (source.from === 'environment') {
      return `no key has this variable; ${suggestion(key, known.map(environmentName))}`;
    }
    return `unknown key "${key}"; ${suggestion(key, known, ROCKETMQ_KEYS)}`;
  }

  private set(key: string, source: SettingSource, read: () => unknown, text: string): void {
    try {
      this.writable[key] = read();
      this.writableSources[key] = source;
    } catch (error) {
      if (!(error instanceof SettingValueError)) throw error;
      const shown = this.definition.settings[key]?.kind === 'database URL' ? key : `${key}=${text}`;
      this.problems.push({ where: describeSource(source), key, message: `${shown} ${error.message}` });
    }
  }
}
