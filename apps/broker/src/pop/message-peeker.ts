import {
  decodePeekMessageRequest,
  encodePopMessageResponse,
  type PeekMessageRequest,
  POP_MAX_MESSAGES,
  popRetryTopicOf,
  RemotingCommand,
  ResponseCode,
} from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import type { MessageStore } from '@rocknest/store';
import type { TopicConfigManager } from '../metadata/index.js';
import type { GroupDirectory } from '../topics/group-directory.js';
import { POP_MAX_BYTES } from './defaults.js';
import { type PopAdmission, refused } from './pop-admission.js';
import type { PopOffsets } from './pop-offsets.js';

/**
 * Shows what a group would pop next, without taking it.
 *
 * Follows `broker/processor/PeekMessageProcessor.java`.
 */
export class MessagePeeker {
  constructor(
    private readonly store: MessageStore,
    private readonly topics: TopicConfigManager,
    private readonly groups: GroupDirectory,
    private readonly admission: PopAdmission,
    private readonly offsets: PopOffsets,
    private readonly retryTopicVersion: 1 | 2,
  ) {}

  /** Handles a PEEK_MESSAGE. */
  async peek(request: RemotingCommand, connection: Connection): Promise<RemotingCommand> {
    const header = decodePeekMessageRequest(request);
    const group = await this.groups.find(header.consumerGroup);
    const topic = this.admission.admitTarget(header, group, connection.remoteAddress);
    if (topic instanceof RemotingCommand) return topic;
    if (header.maxMsgNums < 1 || header.maxMsgNums > POP_MAX_MESSAGES) {
      const remark = `maxMsgNums ${header.maxMsgNums} must be 1 to ${POP_MAX_MESSAGES}`;
      return refused(ResponseCode.INVALID_PARAMETER, remark);
    }
    const found = { bodies: [] as Buffer[], bytes: 0, count: 0, restNum: 0 };
    const retryTopic = popRetryTopicOf(header.topic, header.consumerGroup, this.retryTopicVersion);
    const queueIds =
      header.queueId >= 0 ? [header.queueId] : Array.from({ length: topic.readQueueNums }, (_, id) => id);
    for (const queueId of queueIds) await this.peekQueue(header, topic.topicName, queueId, found);
    const retryQueues = this.topics.get(retryTopic)?.readQueueNums ?? 0;
    for (let id = 0; id < retryQueues; id++) await this.peekQueue(header, retryTopic, id, found);
    const code = found.count > 0 ? ResponseCode.SUCCESS : ResponseCode.PULL_NOT_FOUND;
    return RemotingCommand.response(code, {
      remark: found.count > 0 ? 'FOUND' : 'NO_MESSAGE_IN_QUEUE',
      fields: encodePopMessageResponse({ popTime: 0, invisibleTime: 0, reviveQid: 0, restNum: found.restNum }),
      body: found.bodies,
    });
  }

  private async peekQueue(
    { consumerGroup, maxMsgNums }: PeekMessageRequest,
    topic: string,
    queueId: number,
    found: { readonly bodies: Buffer[]; bytes: number; count: number; restNum: number },
  ): Promise<void> {
    const offset = this.offsets.nextOrFirst(topic, consumerGroup, queueId);
    found.restNum += Math.max(0, this.store.maxOffset(topic, queueId) - offset);
    if (found.count >= maxMsgNums || found.bytes >= POP_MAX_BYTES) return;
    const maxMessages = maxMsgNums - found.count;
    const maxBytes = POP_MAX_BYTES - found.bytes;
    const result = await this.store.getMessage({ topic, queueId, queueOffset: offset, maxMessages, maxBytes });
    if (result.status !== 'FOUND') return;
    // The slices of the log may be used again before the answer is sent.
    for (const record of result.records) found.bodies.push(Buffer.from(record));
    found.bytes += result.sizeBytes;
    found.count += result.messageCount;
  }
}
