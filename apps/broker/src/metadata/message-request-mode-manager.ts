import type { DatabaseWriter } from '@rocknest/config';
import { type DataVersion, messageRequestModeOf, type SetMessageRequestModeRequestBody } from '@rocknest/protocol';
import { inBatches } from './batches.js';
import { checkInt32, checkName } from './checks.js';
import { ConfigTable, type ConfigTableKind } from './config-table.js';
import { MAX_REQUEST_MODES } from './defaults.js';
import { messageRequestModeEntity } from './entities/index.js';
import { MetadataError } from './metadata-error.js';

/**
 * How the members of groups get topics' messages (pull or pop), where an administrator said so; read from memory. A change is in the database before its
 * promise resolves.
 *
 * Follows `broker/loadbalance/MessageRequestModeManager.java`.
 */
export class MessageRequestModeManager {
  private readonly table: ConfigTable<SetMessageRequestModeRequestBody>;

  constructor(
    writer: DatabaseWriter,
    brokerKey: string,
    modes: readonly SetMessageRequestModeRequestBody[],
    dataVersion: DataVersion,
  ) {
    const rows = new Map(modes.map((mode) => [keyOf(mode), mode]));
    this.table = new ConfigTable(requestModeKind, writer, brokerKey, rows, dataVersion);
  }

  /** Undefined when nothing was set for the group on the topic. */
  get(topic: string, consumerGroup: string): SetMessageRequestModeRequestBody | undefined {
    return this.table.get(keyOf({ topic, consumerGroup }));
  }

  all(): readonly SetMessageRequestModeRequestBody[] {
    return [...this.table.all.values()];
  }

  /** @throws MetadataError METADATA_UNAVAILABLE, METADATA_INVALID, METADATA_LIMIT. */
  async put(mode: SetMessageRequestModeRequestBody): Promise<void> {
    if (this.table.get(keyOf(mode)) === undefined && this.table.all.size >= MAX_REQUEST_MODES) {
      const message = `${this.table.all.size} request modes are kept, which is the limit. Delete groups or topics that are not used.`;
      throw new MetadataError('METADATA_LIMIT', message, { limit: MAX_REQUEST_MODES });
    }
    await this.table.put([mode]);
  }

  /** Forgets what was set for a topic, or for a group. */
  async forget(owner: { readonly topic: string } | { readonly consumerGroup: string }): Promise<void> {
    const keys = this.all()
      .filter((mode) => ('topic' in owner ? mode.topic === owner.topic : mode.consumerGroup === owner.consumerGroup))
      .map(keyOf);
    if (keys.length > 0) await this.table.remove(keys);
  }
}

/** Neither name can hold an `@`. */
function keyOf({ topic, consumerGroup }: Pick<SetMessageRequestModeRequestBody, 'topic' | 'consumerGroup'>): string {
  return `${topic}@${consumerGroup}`;
}

export const requestModeKind: ConfigTableKind<SetMessageRequestModeRequestBody> = {
  table: 'requestModes',
  noun: 'request mode',
  nameOf: keyOf,
  checked: (config) => {
    checkName('topic', config.topic);
    checkName('group', config.consumerGroup);
    const { topic, consumerGroup, popShareQueueNum } = config;
    checkInt32(`group ${consumerGroup} on topic ${topic}`, { popShareQueueNum });
    return Object.freeze({ topic, consumerGroup, mode: messageRequestModeOf(config.mode), popShareQueueNum });
  },
  equal: (a, b) => a.mode === b.mode && a.popShareQueueNum === b.popShareQueueNum,
  upsert: (transaction, brokerKey, configs) =>
    inBatches(configs, async (batch) => {
      const rows = batch.map(({ topic, consumerGroup, mode, popShareQueueNum }) => ({
        brokerKey,
        groupName: consumerGroup,
        topicName: topic,
        mode,
        popShareQueueNum,
      }));
      await transaction.upsert(messageRequestModeEntity, rows, ['brokerKey', 'groupName', 'topicName']);
    }),
  remove: async (transaction, brokerKey, names) => {
    for (const name of names) {
      const [topicName, groupName] = name.split('@');
      await transaction.delete(messageRequestModeEntity, { brokerKey, groupName, topicName });
    }
  },
};
