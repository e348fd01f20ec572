import { EntitySchema } from '@rocknest/config';
import { NAME_MAX_LENGTH } from '../defaults.js';
import { int64Column } from './int64-column.js';

/** How far the messages of a delay level have been delivered: the queue offset of the next one. */
export interface DelayOffsetRow {
  brokerKey: string;
  delayLevel: number;
  queueOffset: number;
}

export const delayOffsetEntity = new EntitySchema<DelayOffsetRow>({
  name: 'DelayOffset',
  tableName: 'rocknest_delay_offset',
  columns: {
    brokerKey: { name: 'broker_key', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    delayLevel: { name: 'delay_level', type: 'integer', primary: true },
    queueOffset: { name: 'queue_offset', type: 'bigint', transformer: int64Column },
  },
});
