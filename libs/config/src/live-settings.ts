import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RocknestError } from '@rocknest/protocol';
import { readConfigFile } from './config-file.js';
import { suggestion } from './nearest-key.js';
import { ConfigError, type ConfigProblem } from './problems.js';
import { formatProperty, parseProperties } from './properties.js';
import { ROCKETMQ_KEYS } from './rocketmq-keys.js';
import type { SettingSource } from './setting-source.js';
import { SettingValueError } from './setting.js';
import type { SettingsDefinition, SettingsShape, SettingValues } from './settings-definition.js';

export type SettingsUpdateErrorCode =
  | 'CONFIG_UPDATE_UNREADABLE' // not the text of a properties file
  | 'CONFIG_UPDATE_FORBIDDEN' // the key is on the black list
  | 'CONFIG_UPDATE_INVALID'; // unknown key, wrong value, or a key that is read at the start only

/** A change of settings while the program runs was refused. Nothing was changed. */
export class SettingsUpdateError extends RocknestError {
  declare readonly code: SettingsUpdateErrorCode;

  constructor(code: SettingsUpdateErrorCode, message: string) {
    super(code, message);
  }
}

export interface LiveSettingsOptions {
  /** File that keeps changes across restarts: a properties file of its own, the user's conf file is never written. */
  readonly file: string;
  /** Keys that may not be changed. */
  readonly blackList?: Iterable<string>;
}

/** Values, and where each came from. */
export interface SettingsInForce<S> {
  readonly values: SettingValues<S>;
  readonly sources: { readonly [K in keyof S]: SettingSource };
}

/**
 * Settings of a running program: those it was started with, with changes that were made while it ran laid over them. A
 * change made earlier yields to the environment, flags and the program that starts this one, not to the conf file.
 *
 * Follows `remoting/Configuration.java`.
 */
export class LiveSettings<S extends SettingsShape> {
  /** Always the values in force: keep the object, not copies of its members. */
  readonly values: SettingValues<S>;
  private readonly current: Record<string, unknown>;
  private readonly changed = new Map<string, string>();
  private readonly blackList: ReadonlySet<string>;
  private writing: Promise<unknown> = Promise.resolve();

  /** @throws ConfigError when the file that keeps changes cannot be read or holds what is wrong. */
  constructor(
    private readonly definition: SettingsDefinition<S>,
    started: SettingsInForce<S>,
    private readonly options: LiveSettingsOptions,
  ) {
    this.current = { ...started.values };
    this.values = this.current as SettingValues<S>;
    this.blackList = new Set(options.blackList ?? []);
    if (existsSync(options.file)) this.layOver(started.sources);
  }

  /** All values as `key=value` lines without escapes, as GET_BROKER_CONFIG and GET_NAMESRV_CONFIG answer. Passwords are left out. */
  text(): string {
    const lines = Object.entries(this.definition.settings).map(
      ([key, item]) => `${key}=${item.show(this.current[key])}`,
    );
    return `${lines.join('\n')}\n`;
  }

  /**
   * Changes the keys that a properties text names. Keys of RocketMQ without meaning here are left out.
   *
   * @returns the keys whose value is another one now.
   * @throws SettingsUpdateError when any of them cannot be changed; then none is.
   */
  async update(properties: string): Promise<string[]> {
    const values = this.readUpdate(properties);
    const keys = [...values].filter(([key, { value }]) => this.current[key] !== value).map(([key]) => key);
    if (keys.length === 0) return keys;
    const changed = new Map(this.changed);
    for (const key of keys) changed.set(key, values.get(key)?.text ?? '');
    // One write after the other, so that the file never goes back.
    const written = this.writing.then(() => this.save(changed));
    this.writing = written.catch(() => undefined);
    await written;
    for (const key of keys) {
      this.current[key] = values.get(key)?.value;
      this.changed.set(key, changed.get(key) ?? '');
    }
    return keys;
  }

  private readUpdate(properties: string): Map<string, { text: string; value: unknown }> {
    const values = new Map<string, { text: string; value: unknown }>();
    for (const { key, value: text } of readProperties(properties)) {
      if (this.blackList.has(key)) {
        throw new SettingsUpdateError('CONFIG_UPDATE_FORBIDDEN', 'Can not update config in black list.');
      }
      const item = Object.hasOwn(this.definition.settings, key) ? this.definition.settings[key] : undefined;
      if (item === undefined) {
        if (ROCKETMQ_KEYS.has(key)) continue;
        throw invalid(`unknown key "${key}"; ${suggestion(key, Object.keys(this.definition.settings))}`);
      }
      const value = this.parse(key, text);
      if (!item.dynamic && value !== this.current[key]) {
        throw invalid(`${key} is read at the start only: set it in the conf file and start again`);
      }
      values.set(key, { text, value });
    }
    const after = { ...this.current };
    for (const [key, { value }] of values) after[key] = value;
    for (const rule of this.definition.rules) {
      const problem = rule(after as SettingValues<S>);
      if (problem !== undefined) throw invalid(problem);
    }
    return values;
  }

  private parse(key: string, text: string): unknown {
    try {
      return this.definition.settings[key]?.parse(text);
    } catch (error) {
      if (error instanceof SettingValueError) throw invalid(`${key}=${text} ${error.message}`);
      throw error;
    }
  }

  private layOver(sources: Readonly<Record<string, SettingSource>>): void {
    const { file } = this.options;
    const { values, problems: unreadable } = readConfigFile(file);
    const problems: ConfigProblem[] = [...unreadable];
    for (const { key, text, source } of values) {
      if (!Object.hasOwn(this.definition.settings, key)) continue;
      const from = sources[key]?.from;
      if (from === 'environment' || from === 'flag' || from === 'program') continue;
      try {
        this.current[key] = this.definition.settings[key]?.parse(text);
        this.changed.set(key, text);
      } catch (error) {
        const where = source.from === 'file' ? `${file}:${source.line}` : file;
        problems.push({ where, key, message: `${key}=${text} ${error instanceof Error ? error.message : ''}` });
      }
    }
    if (problems.length > 0) throw new ConfigError(problems);
  }

  private async save(changed: ReadonlyMap<string, string>): Promise<void> {
    const { file } = this.options;
    const lines = [...changed].map(([key, text]) => formatProperty(key, text));
    const content = `# Settings that were changed while the program ran. Remove a line to go back to the conf file.\n${lines.join('\n')}\n`;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.tmp`, content, { flush: true });
    await rename(`${file}.tmp`, file);
  }
}

function readProperties(text: string): ReturnType<typeof parseProperties> {
  try {
    return parseProperties(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SettingsUpdateError('CONFIG_UPDATE_UNREADABLE', `string2Properties error: ${reason}`);
  }
}

function invalid(message: string): SettingsUpdateError {
  return new SettingsUpdateError('CONFIG_UPDATE_INVALID', `${message}. Nothing was changed.`);
}
