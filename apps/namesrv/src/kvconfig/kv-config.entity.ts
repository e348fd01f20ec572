import { EntitySchema } from '@rocknest/config';
import { KV_NAME_MAX_LENGTH } from '../defaults.js';

/** An entry of the KV configuration. */
export interface KvConfigRow {
  namespace: string;
  key: string;
  value: string;
}

export const kvConfigEntity = new EntitySchema<KvConfigRow>({
  name: 'KvConfig',
  tableName: 'rocknest_kv_config',
  columns: {
    namespace: { name: 'namespace', type: 'varchar', length: KV_NAME_MAX_LENGTH, primary: true },
    key: { name: 'config_key', type: 'varchar', length: KV_NAME_MAX_LENGTH, primary: true },
    value: { name: 'config_value', type: 'text' },
  },
});
