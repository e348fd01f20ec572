import { EntitySchema } from '@rocknest/config';
import type { DataVersion } from '@rocknest/protocol';
import { NAME_MAX_LENGTH } from '../defaults.js';
import { int64Column } from './int64-column.js';

/** What a version counts. */
export type VersionedTable = 'topics' | 'groups' | 'consumerOffsets' | 'delayOffsets' | 'requestModes';

/** The DataVersion of one table of one broker. */
export type DataVersionRow = DataVersion & { brokerKey: string; tableKind: string };

export const dataVersionEntity = new EntitySchema<DataVersionRow>({
  name: 'DataVersion',
  tableName: 'rocknest_data_version',
  columns: {
    brokerKey: { name: 'broker_key', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    tableKind: { name: 'table_kind', type: 'varchar', length: 32, primary: true },
    stateVersion: { name: 'state_version', type: 'bigint', transformer: int64Column },
    timestamp: { name: 'changed_at', type: 'bigint', transformer: int64Column },
    counter: { name: 'change_counter', type: 'bigint', transformer: int64Column },
  },
});
