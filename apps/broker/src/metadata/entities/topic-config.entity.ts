import { EntitySchema } from '@rocknest/config';
import type { TopicConfig } from '@rocknest/protocol';
import { NAME_MAX_LENGTH } from '../defaults.js';
import { textsFromJsonColumn, toJsonColumn } from './json-column.js';

/** A topic of one broker. `attributes` is JSON. */
export type TopicConfigRow = Omit<TopicConfig, 'attributes'> & { brokerKey: string; attributes: string };

export const topicConfigEntity = new EntitySchema<TopicConfigRow>({
  name: 'TopicConfig',
  tableName: 'rocknest_topic_config',
  columns: {
    brokerKey: { name: 'broker_key', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    topicName: { name: 'topic_name', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    readQueueNums: { name: 'read_queue_nums', type: 'integer' },
    writeQueueNums: { name: 'write_queue_nums', type: 'integer' },
    perm: { name: 'perm', type: 'integer' },
    topicFilterType: { name: 'topic_filter_type', type: 'varchar', length: 32 },
    topicSysFlag: { name: 'topic_sys_flag', type: 'integer' },
    order: { name: 'is_order', type: Boolean },
    attributes: { name: 'attributes', type: 'text' },
  },
});

export function topicConfigToRow(brokerKey: string, config: TopicConfig): TopicConfigRow {
  return { ...config, brokerKey, attributes: toJsonColumn(config.attributes) };
}

export function topicConfigFromRow({ brokerKey: _, ...row }: TopicConfigRow): TopicConfig {
  return { ...row, attributes: textsFromJsonColumn(row.attributes) };
}
