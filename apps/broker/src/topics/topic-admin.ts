import { isValidPerm, PermName, ResponseCode, type TopicConfig, validateTopic } from '@rocknest/protocol';
import type { MessageStore } from '@rocknest/store';
import { MAX_QUEUES_PER_TOPIC } from '../defaults.js';
import { RequestRefusedError } from '../errors.js';
import { refuseOnSlave } from '../replication/broker-role.js';
import type { ConsumerOffsetManager, TopicConfigManager } from '../metadata/index.js';
import type { SystemTopicSet } from './system-topics.js';
import type { TopicAnnouncer } from './topic-announcer.js';

export interface TopicAdminOptions {
  readonly maxTopics: number;
  readonly isSlave: boolean;
}

/**
 * Creates, changes and deletes topics for administrators. The namesrvs know of it when the answer leaves, so that a tool can ask
 * for the route right away.
 *
 * Follows `updateAndCreateTopic`, `updateAndCreateTopicList` and `deleteTopic` of `broker/processor/AdminBrokerProcessor.java`.
 */
export class TopicAdmin {
  constructor(
    private readonly topics: TopicConfigManager,
    private readonly offsets: ConsumerOffsetManager,
    private readonly store: MessageStore,
    private readonly systemTopics: SystemTopicSet,
    private readonly announcer: TopicAnnouncer,
    private readonly options: TopicAdminOptions,
  ) {}

  /** @throws RequestRefusedError INVALID_PARAMETER; then none of the topics was changed. */
  async put(configs: readonly TopicConfig[]): Promise<void> {
    refuseOnSlave(this.options);
    for (const config of configs) this.check(config);
    const created = configs.filter(({ topicName }) => this.topics.get(topicName) === undefined).length;
    if (this.topics.all().size + created > this.options.maxTopics) {
      throw new RequestRefusedError(
        ResponseCode.SYSTEM_ERROR,
        `the broker has ${this.topics.all().size} topics, at most ${this.options.maxTopics} are possible (maxTopics)`,
      );
    }
    const changed = await this.topics.putAll(configs);
    if (changed > 0) await this.announcer.changed(configs.map(({ topicName }) => topicName));
  }

  /** Deletes the topic with its queues and every group's offsets in them. An unknown topic is no error. */
  async delete(topic: string): Promise<void> {
    refuseOnSlave(this.options);
    if (topic.trim() === '') throw invalid('The specified topic is blank.');
    if (this.systemTopics.has(topic)) throw invalid(`The topic[${topic}] is conflict with system topic.`);
    await this.topics.delete(topic);
    await this.announcer.changed([topic]);
    this.offsets.deleteTopic(topic);
    await this.store.deleteTopic(topic);
  }

  /** Removes the queues of topics that the broker does not know any more. @returns their names. Follows `cleanUnusedTopic` of `store/DefaultMessageStore.java`. */
  async cleanUnused(): Promise<string[]> {
    const unused = this.store
      .topics()
      .filter((topic) => this.topics.get(topic) === undefined && !this.systemTopics.has(topic));
    if (unused.length > 0) await this.store.deleteTopics(unused);
    return unused;
  }

  private check(config: TopicConfig): void {
    const { topicName, readQueueNums, writeQueueNums, perm } = config;
    const problem = validateTopic(topicName);
    if (problem !== undefined) throw invalid(problem);
    if (this.systemTopics.has(topicName)) throw invalid(`The topic[${topicName}] is conflict with system topic.`);
    for (const queueNums of [readQueueNums, writeQueueNums]) {
      if (!Number.isInteger(queueNums) || queueNums < 0 || queueNums > MAX_QUEUES_PER_TOPIC) {
        throw invalid(`topic[${topicName}] cannot have ${queueNums} queues: 0 to ${MAX_QUEUES_PER_TOPIC} are possible`);
      }
    }
    if (!isValidPerm(perm)) {
      throw invalid(
        `topic[${topicName}] cannot have the permission ${perm}: it is a sum of ${PermName.READ} (read), ${PermName.WRITE} (write) and ${PermName.INHERIT} (inherit)`,
      );
    }
  }
}

function invalid(remark: string): RequestRefusedError {
  return new RequestRefusedError(ResponseCode.INVALID_PARAMETER, remark);
}
