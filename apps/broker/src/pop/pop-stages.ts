import { popRetryTopicOf, type PopMessageRequest, type TopicConfig } from '@rocknest/protocol';
import type { TopicConfigManager } from '../metadata/index.js';
import type { PopStage } from './pop-run.js';

export interface PopStagesOptions {
  /** Of 100 pops so many look into the retry topic first. */
  readonly popFromRetryProbability: number;
  /** Form of the retry topics that messages go to. */
  readonly retryTopicVersion: 1 | 2;
  /** With retry topics of form 2: messages in those of form 1 are popped too. */
  readonly alsoRetryTopicV1: boolean;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** In which order a pop looks into the topic's queues and those of the group's retry topic. */
export class PopStages {
  constructor(
    private readonly topics: TopicConfigManager,
    private readonly options: PopStagesOptions,
  ) {}

  /** Retry topics come first for some of the pops, so that they do not starve, and last for the others. In order there are none. */
  of(header: PopMessageRequest, topic: TopicConfig): PopStage[] {
    const random = Math.floor(this.options.random() * 100);
    const own: PopStage =
      header.queueId < 0
        ? this.stage(topic.topicName, false, topic.readQueueNums, random, topic.readQueueNums)
        : this.stage(topic.topicName, false, topic.readQueueNums, header.queueId, 1);
    if (header.order) return [own];
    const config = this.topics.get(this.retryTopicFor(header, random));
    if (config === undefined) return [own];
    const retry = this.stage(config.topicName, true, config.readQueueNums, random, config.readQueueNums);
    return random < this.options.popFromRetryProbability ? [retry, own] : [own, retry];
  }

  private stage(topic: string, isRetry: boolean, queueCount: number, firstQueueId: number, lookAt: number): PopStage {
    return { topic, isRetry, queueCount, firstQueueId, lookAt };
  }

  /** One retry topic for each pop: its offsets could not be told from those of the other form's. */
  private retryTopicFor({ topic, consumerGroup }: PopMessageRequest, random: number): string {
    const { retryTopicVersion, alsoRetryTopicV1 } = this.options;
    const version = alsoRetryTopicV1 && random % 2 === 0 ? 1 : retryTopicVersion;
    return popRetryTopicOf(topic, consumerGroup, version);
  }
}
