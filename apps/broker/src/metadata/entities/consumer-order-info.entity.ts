import { EntitySchema } from '@rocknest/config';
import { NAME_MAX_LENGTH } from '../defaults.js';

/** What a group popped in order of a queue and has not acknowledged; the state is JSON. */
export interface ConsumerOrderInfoRow {
  brokerKey: string;
  groupName: string;
  topicName: string;
  queueId: number;
  orderInfo: string;
}

export const consumerOrderInfoEntity = new EntitySchema<ConsumerOrderInfoRow>({
  name: 'ConsumerOrderInfo',
  tableName: 'rocknest_consumer_order_info',
  columns: {
    brokerKey: { name: 'broker_key', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    groupName: { name: 'group_name', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    topicName: { name: 'topic_name', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    queueId: { name: 'queue_id', type: 'integer', primary: true },
    orderInfo: { name: 'order_info', type: 'text' },
  },
});
