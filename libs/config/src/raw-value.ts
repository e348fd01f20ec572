import type { SettingSource } from './setting-source.js';

/** A value as text, as it was found, before anyone knows whether its key exists. */
export interface RawValue {
  readonly key: string;
  readonly text: string;
  readonly source: SettingSource;
}
