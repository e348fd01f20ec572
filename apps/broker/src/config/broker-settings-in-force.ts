import { join } from 'node:path';
import { LiveSettings, type SettingsInForce } from '@rocknest/config';
import { encodeDataVersion } from '@rocknest/protocol';
import type { BrokerLogger } from '../logger.js';
import { brokerSettings, type BrokerConfig } from './broker-settings.js';

export type StartSettings = SettingsInForce<typeof brokerSettings.settings>;

/** The settings of a running broker: those that it was started with, and over them what UPDATE_BROKER_CONFIG changed, which is kept in the store folder. */
export class BrokerSettingsInForce {
  private readonly live: LiveSettings<typeof brokerSettings.settings>;
  private readonly listeners: ((keys: readonly string[]) => void)[] = [];
  private dataVersion = { stateVersion: 0, timestamp: Date.now(), counter: 0 };

  /** @throws ConfigError when the file that keeps changes cannot be read. */
  constructor(
    started: StartSettings,
    private readonly logger: BrokerLogger,
  ) {
    const { storePathRootDir, configBlackList } = started.values;
    this.live = new LiveSettings(brokerSettings, started, {
      file: join(storePathRootDir, 'broker.properties'),
      blackList: configBlackList.split(';').map((key) => key.trim()),
    });
  }

  /** Always the values in force: keep the object, not copies of its members. */
  get values(): BrokerConfig {
    return this.live.values;
  }

  /** DataVersion as JSON; another one after each change. */
  get version(): string {
    return encodeDataVersion(this.dataVersion).toString();
  }

  text(): string {
    return this.live.text();
  }

  /** Calls `listener` with the keys that have other values now. */
  onChange(listener: (keys: readonly string[]) => void): void {
    this.listeners.push(listener);
  }

  /**
   * @param by who asked for it, for the log.
   * @throws SettingsUpdateError when any of the keys cannot be changed; then none is.
   */
  async update(properties: string, by: string): Promise<void> {
    const keys = await this.live.update(properties);
    if (keys.length === 0) return;
    const { counter } = this.dataVersion;
    this.dataVersion = { stateVersion: 0, timestamp: Date.now(), counter: counter + 1 };
    this.logger.log(`settings changed by ${by}: ${keys.join(', ')}`);
    for (const listener of this.listeners) listener(keys);
  }
}
