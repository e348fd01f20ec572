import { EntitySchema } from '@rocknest/config';
import { NAME_MAX_LENGTH } from '../defaults.js';
import { int64Column } from './int64-column.js';

/** How far a group has consumed a queue: the queue offset of the next message. */
export interface ConsumerOffsetRow {
  brokerKey: string;
  groupName: string;
  topicName: string;
  queueId: number;
  queueOffset: number;
}

export const consumerOffsetEntity = new EntitySchema<ConsumerOffsetRow>({
  name: 'ConsumerOffset',
  tableName: 'rocknest_consumer_offset',
  columns: {
    brokerKey: { name: 'broker_key', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    groupName: { name: 'group_name', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    topicName: { name: 'topic_name', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    queueId: { name: 'queue_id', type: 'integer', primary: true },
    queueOffset: { name: 'queue_offset', type: 'bigint', transformer: int64Column },
  },
});
