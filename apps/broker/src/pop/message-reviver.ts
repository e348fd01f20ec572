import {
  decodeMessage,
  dlqTopicOf,
  encodeHost,
  getTags,
  isRetryTopic,
  MessageConst,
  type MessageExt,
  popNormalTopicOf,
  popRetryTopicOf,
  type SubscriptionGroupConfig,
  tagsCodeOf,
} from '@rocknest/protocol';
import type { MessageStore, PutMessage, PutResult } from '@rocknest/store';
import type { BrokerLogger } from '../logger.js';
import type { SubscriptionGroupManager, TopicConfigManager } from '../metadata/index.js';
import { encodeReceivedProperties } from '../send/property-completer.js';
import type { TopicAutoCreator } from '../topics/topic-auto-creator.js';
import type { CheckPoints } from './check-points.js';
import { REVIVE_BATCH, REVIVE_CONCURRENCY, REVIVE_RETRY_INTERVALS_MS } from './defaults.js';
import type { PopQueue } from './pop-queue.js';
import { isStored } from './revive-log.js';

export interface MessageReviverOptions {
  /** Form of the retry topics that messages go to. */
  readonly retryTopicVersion: 1 | 2;
  /** A message of the topic came back for the group. */
  readonly onRevived: (topic: string, group: string) => void;
  readonly logger: BrokerLogger;
}

/** What became of a message whose time is over. `end`: where the record ends that holds it now. */
type Outcome = { readonly isDone: true; readonly end?: number } | { readonly isDone: false; readonly reason: string };

const GONE: Outcome = { isDone: true };

/**
 * Lets messages come again that were popped and not acknowledged in their invisible time: each goes to the group's pop retry topic with one reconsume
 * time more, or, when it came often enough (`retryMaxTimes` of the group), to its dead letter topic.
 *
 * Follows the reviving part of `broker/processor/PopReviveService.java`, which leaves dead letters to the clients.
 */
export class MessageReviver {
  private running = false;

  constructor(
    private readonly store: MessageStore,
    private readonly checkPoints: CheckPoints,
    private readonly topics: TopicConfigManager,
    private readonly groups: SubscriptionGroupManager,
    private readonly creator: TopicAutoCreator,
    private readonly options: MessageReviverOptions,
  ) {}

  /** Takes up what is due; the next look after that is the caller's. Never throws. */
  async reviveDue(nowMs: number): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      for (;;) {
        const slots = this.checkPoints.table.due(nowMs, REVIVE_BATCH);
        if (slots.length === 0) return;
        await this.reviveAll(slots, nowMs);
      }
    } finally {
      this.running = false;
    }
  }

  private async reviveAll(slots: readonly number[], nowMs: number): Promise<void> {
    const { table } = this.checkPoints;
    // While one is waited for, others are acknowledged, and their slots used again.
    const due = slots.map((slot) => ({ slot, serial: table.serialOf(slot) }));
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < due.length) {
        const { slot, serial } = due[next++];
        if (table.isCurrent(slot, serial)) await this.revive(slot, serial, nowMs);
      }
    };
    await Promise.all(Array.from({ length: Math.min(REVIVE_CONCURRENCY, due.length) }, worker));
  }

  private async revive(slot: number, serial: number, nowMs: number): Promise<void> {
    const { table, queues } = this.checkPoints;
    const queue = queues.of(table.queueRefOf(slot));
    const group = this.groups.get(queue.group);
    const normalTopic = popNormalTopicOf(queue.topic, queue.group);
    if (
      group === undefined ||
      this.topics.get(normalTopic) === undefined ||
      this.topics.get(queue.topic) === undefined
    ) {
      this.checkPoints.abandon(slot);
      return;
    }
    let failure: string | undefined;
    for (let index = 0; index < table.countOf(slot); index++) {
      if (table.isAcknowledged(slot, index)) continue;
      const outcome = await this.move(queue, group, normalTopic, table.offsetAt(slot, index), table.popTimeMsOf(slot));
      // Acknowledged or deleted meanwhile, the slot may be another's already.
      if (!table.isCurrent(slot, serial)) return;
      if (outcome.isDone) this.checkPoints.acknowledgeAt(slot, index, outcome.end);
      else failure = outcome.reason;
      if (!table.isCurrent(slot, serial)) return;
    }
    if (failure === undefined) return;
    const pauseMs = REVIVE_RETRY_INTERVALS_MS[Math.min(table.attemptsOf(slot), REVIVE_RETRY_INTERVALS_MS.length - 1)];
    table.addAttempt(slot);
    table.reschedule(slot, nowMs + pauseMs);
    this.options.logger.warn(
      `messages of ${queue.topic} that group ${queue.group} did not acknowledge could not be moved to its retry topic: ${failure}; trying again in ${pauseMs / 1_000} s`,
    );
  }

  private async move(
    queue: PopQueue,
    group: SubscriptionGroupConfig,
    normalTopic: string,
    queueOffset: number,
    popTimeMs: number,
  ): Promise<Outcome> {
    try {
      const result = await this.store.getMessage({
        topic: queue.topic,
        queueId: queue.queueId,
        queueOffset,
        maxMessages: 1,
      });
      // Retention took it, or its queue is gone.
      if (result.status !== 'FOUND') return GONE;
      const message = decodeMessage(result.records[0], 0, { inflate: false });
      if (message.queueOffset !== queueOffset) return GONE;
      const isDead = group.retryMaxTimes >= 0 && message.reconsumeTimes >= group.retryMaxTimes;
      const topic = isDead ? dlqTopicOf(group.groupName) : this.retryTopicOf(queue);
      await (isDead ? this.creator.deadLetterTopic(group.groupName) : this.creator.popRetryTopic(topic));
      const put = await this.put(copyOf(message, topic, normalTopic, popTimeMs, isDead));
      if (!isStored(put.status)) {
        const reason = put.reason ?? put.status;
        // Tried again for ever, such a message would never let its check point go.
        if (put.status === 'MESSAGE_ILLEGAL' || put.status === 'PROPERTIES_SIZE_EXCEEDED') {
          this.options.logger.error(
            `the message at offset ${queueOffset} of queue ${queue.queueId} of ${queue.topic}, not acknowledged by group ${queue.group}, cannot be moved to ${topic} and does not come again: ${reason}`,
          );
          return GONE;
        }
        return { isDone: false, reason };
      }
      if (!isDead) this.options.onRevived(normalTopic, queue.group);
      return { isDone: true, end: put.physicalOffset + put.sizeBytes };
    } catch (error) {
      return { isDone: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  private retryTopicOf(queue: PopQueue): string {
    return isRetryTopic(queue.topic)
      ? queue.topic
      : popRetryTopicOf(queue.topic, queue.group, this.options.retryTopicVersion);
  }

  private put(message: PutMessage): Promise<PutResult> {
    return new Promise((resolve) => this.store.putMessage(message, resolve));
  }
}

function copyOf(
  message: MessageExt,
  topic: string,
  normalTopic: string,
  popTimeMs: number,
  isDead: boolean,
): PutMessage {
  const properties: Record<string, string | undefined> = { ...message.properties };
  if (message.reconsumeTimes === 0 || properties[MessageConst.FIRST_POP_TIME] === undefined) {
    properties[MessageConst.FIRST_POP_TIME] = String(popTimeMs);
  }
  if (isDead) {
    properties[MessageConst.RETRY_TOPIC] ??= normalTopic;
    properties[MessageConst.ORIGIN_MESSAGE_ID] ??= message.offsetMsgId;
    properties[MessageConst.DLQ_ORIGIN_TOPIC] = normalTopic;
    properties[MessageConst.DLQ_ORIGIN_MESSAGE_ID] = message.offsetMsgId;
  }
  return {
    topic,
    queueId: 0,
    flag: message.flag,
    sysFlag: message.sysFlag,
    bornTimestamp: message.bornTimestamp,
    bornHost: encodeHost(message.bornHost),
    reconsumeTimes: message.reconsumeTimes + 1,
    preparedTransactionOffset: 0,
    body: message.body,
    properties: encodeReceivedProperties(properties),
    tagsCode: tagsCodeOf(getTags(message)),
    waitStoreOk: false,
  };
}
