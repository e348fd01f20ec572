import { EntitySchema } from '@rocknest/config';
import type { MessageRequestMode } from '@rocknest/protocol';
import { NAME_MAX_LENGTH } from '../defaults.js';

/** How the members of a group get a topic's messages, where an administrator said so. */
export interface MessageRequestModeRow {
  brokerKey: string;
  groupName: string;
  topicName: string;
  mode: MessageRequestMode;
  popShareQueueNum: number;
}

export const messageRequestModeEntity = new EntitySchema<MessageRequestModeRow>({
  name: 'MessageRequestMode',
  tableName: 'rocknest_message_request_mode',
  columns: {
    brokerKey: { name: 'broker_key', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    groupName: { name: 'group_name', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    topicName: { name: 'topic_name', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    mode: { name: 'request_mode', type: 'varchar', length: 32 },
    popShareQueueNum: { name: 'pop_share_queue_num', type: 'integer' },
  },
});
