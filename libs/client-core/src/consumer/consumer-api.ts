import {
  decodeGetConsumerListByGroupResponseBody,
  decodeGetMaxOffsetResponse,
  decodeGetMinOffsetResponse,
  decodeLockBatchResponseBody,
  decodeQueryConsumerOffsetResponse,
  decodeSearchOffsetByTimestampResponse,
  encodeConsumerSendMsgBackRequest,
  encodeGetConsumerListByGroupRequest,
  encodeGetMaxOffsetRequest,
  encodeGetMinOffsetRequest,
  encodeLockBatchRequestBody,
  encodeQueryConsumerOffsetRequest,
  encodeSearchOffsetByTimestampRequest,
  encodeUnlockBatchRequestBody,
  encodeUpdateConsumerOffsetRequest,
  RemotingCommand,
  RequestCode,
  type ConsumerSendMsgBackRequest,
  type HeaderFields,
  type LockBatchRequestBody,
  type MessageQueue,
} from '@rocknest/protocol';
import { LOCK_TIMEOUT_MS, SEND_BACK_TIMEOUT_MS } from '../defaults.js';
import { MQClientError, MQClientErrorCode } from '../errors.js';
import { call } from '../instance/call.js';
import type { FoundBroker } from '../instance/broker-address-table.js';
import type { ClientInstance } from '../instance/client-instance.js';
import type { OffsetApi } from './remote-offset-store.js';

/** What this part needs of a client instance. */
export type ApiInstance = Pick<
  ClientInstance,
  'transport' | 'brokers' | 'routes' | 'options' | 'brokerDoubted' | 'pulse'
>;

/** Requests of consumers (and tools) to the broker of a queue (RocketMQ: `MQClientAPIImpl.java`, `MQAdminImpl.java`). */
export class ConsumerApi implements OffsetApi {
  constructor(private readonly instance: ApiInstance) {}

  async queryConsumerOffset(group: string, queue: MessageQueue): Promise<number> {
    const header = { consumerGroup: group, topic: queue.topic, queueId: queue.queueId };
    const fields = encodeQueryConsumerOffsetRequest(header);
    return decodeQueryConsumerOffsetResponse(await this.ask(queue, RequestCode.QUERY_CONSUMER_OFFSET, fields, 'offset'))
      .offset;
  }

  async updateConsumerOffset(group: string, queue: MessageQueue, offset: number): Promise<boolean> {
    const header = { consumerGroup: group, topic: queue.topic, queueId: queue.queueId, commitOffset: offset };
    const { address, slave } = await this.brokerOf(queue);
    await this.askAt(
      address,
      queue,
      RequestCode.UPDATE_CONSUMER_OFFSET,
      encodeUpdateConsumerOffsetRequest(header),
      'commit',
    );
    return !slave;
  }

  async maxOffset(queue: MessageQueue): Promise<number> {
    const fields = encodeGetMaxOffsetRequest({ topic: queue.topic, queueId: queue.queueId, committed: true });
    return decodeGetMaxOffsetResponse(await this.ask(queue, RequestCode.GET_MAX_OFFSET, fields, 'max offset')).offset;
  }

  async minOffset(queue: MessageQueue): Promise<number> {
    const fields = encodeGetMinOffsetRequest({ topic: queue.topic, queueId: queue.queueId });
    return decodeGetMinOffsetResponse(await this.ask(queue, RequestCode.GET_MIN_OFFSET, fields, 'min offset')).offset;
  }

  async searchOffset(
    queue: MessageQueue,
    timestampMs: number,
    boundaryType: 'LOWER' | 'UPPER' = 'LOWER',
  ): Promise<number> {
    const fields = encodeSearchOffsetByTimestampRequest({
      topic: queue.topic,
      queueId: queue.queueId,
      timestamp: timestampMs,
      boundaryType,
    });
    const response = await this.ask(queue, RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, fields, 'offset by time');
    return decodeSearchOffsetByTimestampResponse(response).offset;
  }

  /** Client ids of a group's members as the broker at `address` knows them. */
  async consumerIds(address: string, group: string): Promise<string[]> {
    const response = await call(
      this.instance.transport,
      address,
      RemotingCommand.request(
        RequestCode.GET_CONSUMER_LIST_BY_GROUP,
        encodeGetConsumerListByGroupRequest({ consumerGroup: group }),
      ),
      this.instance.options.mqClientApiTimeoutMs,
      `members of group ${group}`,
    );
    return decodeGetConsumerListByGroupResponseBody(response.bodyBuffer).consumerIdList;
  }

  /** Gives a message back to the broker that stored it. */
  async sendMessageBack(queue: MessageQueue, header: ConsumerSendMsgBackRequest): Promise<void> {
    const fields = encodeConsumerSendMsgBackRequest(header);
    await this.ask(queue, RequestCode.CONSUMER_SEND_MSG_BACK, fields, 'send back', SEND_BACK_TIMEOUT_MS);
  }

  /** Locks queues of one broker for this client, or renews its locks. @returns those that it holds now. */
  async lockBatch(brokerName: string, body: LockBatchRequestBody): Promise<readonly MessageQueue[]> {
    const request = RemotingCommand.request(RequestCode.LOCK_BATCH_MQ, {}, encodeLockBatchRequestBody(body));
    const response = await this.askMaster(brokerName, request, `lock of ${body.mqSet.length} queues`);
    return decodeLockBatchResponseBody(response.bodyBuffer).lockOKMQSet;
  }

  /** Gives locks of this client back. */
  async unlockBatch(brokerName: string, body: LockBatchRequestBody): Promise<void> {
    const request = RemotingCommand.request(RequestCode.UNLOCK_BATCH_MQ, {}, encodeUnlockBatchRequestBody(body));
    await this.askMaster(brokerName, request, `unlock of ${body.mqSet.length} queues`);
  }

  /**
   * Address of the master of the queue's broker, or of another one of that name.
   *
   * @throws MQClientError BROKER_NOT_FOUND when the route does not help either.
   */
  async addressOf(queue: MessageQueue): Promise<string> {
    return (await this.brokerOf(queue)).address;
  }

  private async brokerOf(queue: MessageQueue): Promise<FoundBroker> {
    const known = this.instance.brokers.find(queue.brokerName);
    if (known) return known;
    await this.instance.routes.refresh(queue.topic);
    const found = this.instance.brokers.find(queue.brokerName);
    if (found) return found;
    throw new MQClientError(
      MQClientErrorCode.BROKER_NOT_FOUND,
      `no address of broker ${queue.brokerName} is known for topic ${queue.topic}; is the broker up?`,
      { retriable: true, details: { ...queue } },
    );
  }

  /** Locks are kept by masters only. */
  private async askMaster(brokerName: string, request: RemotingCommand, what: string): Promise<RemotingCommand> {
    const address = this.instance.brokers.master(brokerName);
    if (address !== undefined) return call(this.instance.transport, address, request, LOCK_TIMEOUT_MS, what);
    throw new MQClientError(MQClientErrorCode.BROKER_NOT_FOUND, `${what}: no master of broker ${brokerName} is known`, {
      retriable: true,
      details: { brokerName },
    });
  }

  private async ask(
    queue: MessageQueue,
    code: number,
    fields: HeaderFields,
    what: string,
    timeoutMs = this.instance.options.mqClientApiTimeoutMs,
  ): Promise<RemotingCommand> {
    return this.askAt(await this.addressOf(queue), queue, code, fields, what, timeoutMs);
  }

  private askAt(
    address: string,
    queue: MessageQueue,
    code: number,
    fields: HeaderFields,
    what: string,
    timeoutMs = this.instance.options.mqClientApiTimeoutMs,
  ): Promise<RemotingCommand> {
    const subject = `${what} of ${queue.topic} ${queue.brokerName} ${queue.queueId}`;
    return call(this.instance.transport, address, RemotingCommand.request(code, fields), timeoutMs, subject);
  }
}
