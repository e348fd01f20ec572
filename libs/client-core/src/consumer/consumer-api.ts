import {
  decodeGetConsumerListByGroupResponseBody,
  decodeGetMaxOffsetResponse,
  decodeGetMinOffsetResponse,
  decodeQueryConsumerOffsetResponse,
  decodeSearchOffsetByTimestampResponse,
  encodeConsumerSendMsgBackRequest,
  encodeGetConsumerListByGroupRequest,
  encodeGetMaxOffsetRequest,
  encodeGetMinOffsetRequest,
  encodeQueryConsumerOffsetRequest,
  encodeSearchOffsetByTimestampRequest,
  encodeUpdateConsumerOffsetRequest,
  RemotingCommand,
  RequestCode,
  type ConsumerSendMsgBackRequest,
  type HeaderFields,
  type MessageQueue,
} from '@rocknest/protocol';
import { SEND_BACK_TIMEOUT_MS } from '../defaults.js';
import { MQClientError, MQClientErrorCode } from '../errors.js';
import { call } from '../instance/call.js';
import type { ClientInstance } from '../instance/client-instance.js';
import type { OffsetApi } from './remote-offset-store.js';

/** What this part needs of a client instance. */
export type ApiInstance = Pick<ClientInstance, 'transport' | 'brokers' | 'routes' | 'options'>;

/** Requests of consumers (and tools) to the broker of a queue (RocketMQ: `MQClientAPIImpl.java`, `MQAdminImpl.java`). */
export class ConsumerApi implements OffsetApi {
  constructor(private readonly instance: ApiInstance) {}

  async queryConsumerOffset(group: string, queue: MessageQueue): Promise<number> {
    const header = { consumerGroup: group, topic: queue.topic, queueId: queue.queueId };
    const fields = encodeQueryConsumerOffsetRequest(header);
    return decodeQueryConsumerOffsetResponse(await this.ask(queue, RequestCode.QUERY_CONSUMER_OFFSET, fields, 'offset'))
      .offset;
  }

  async updateConsumerOffset(group: string, queue: MessageQueue, offset: number): Promise<void> {
    const header = { consumerGroup: group, topic: queue.topic, queueId: queue.queueId, commitOffset: offset };
    await this.ask(queue, RequestCode.UPDATE_CONSUMER_OFFSET, encodeUpdateConsumerOffsetRequest(header), 'commit');
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

  /**
   * Address of the master of the queue's broker, or of another one of that name.
   *
   * @throws MQClientError BROKER_NOT_FOUND when the route does not help either.
   */
  async addressOf(queue: MessageQueue): Promise<string> {
    const known = this.instance.brokers.find(queue.brokerName);
    if (known) return known.address;
    await this.instance.routes.refresh(queue.topic);
    const found = this.instance.brokers.find(queue.brokerName);
    if (found) return found.address;
    throw new MQClientError(
      MQClientErrorCode.BROKER_NOT_FOUND,
      `no address of broker ${queue.brokerName} is known for topic ${queue.topic}; is the broker up?`,
      { retriable: true, details: { ...queue } },
    );
  }

  private async ask(
    queue: MessageQueue,
    code: number,
    fields: HeaderFields,
    what: string,
    timeoutMs = this.instance.options.mqClientApiTimeoutMs,
  ): Promise<RemotingCommand> {
    const address = await this.addressOf(queue);
    const subject = `${what} of ${queue.topic} ${queue.brokerName} ${queue.queueId}`;
    return call(this.instance.transport, address, RemotingCommand.request(code, fields), timeoutMs, subject);
  }
}
